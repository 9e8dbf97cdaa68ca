"""Weight files as data: name, address, checksum, size, licence, origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class File:
    """One published file.

    Attributes:
        name: its name here.
        url: its published https address; None if it has none.
        sha256: the whole checksum in hexadecimal, or its beginning where only that is published.
        size: bytes; None if not known for certain.
        licence: of the weights.
        origin: who made it, and from what.
        aliases: other names that a local copy may have; its checksum is verified all the same.
        advice: how to obtain it, if there is no address.
        without: how to do without it, if that is possible.
        tensors: the hash of the tensors that its networks need (`repose.hub.tensors.tensors_hash`): a local copy with
            another checksum counts if it holds these, in any container; "" where only the checksum counts.
        tensor_names: regular expression of the names that the hash goes over.
    """

    name: str
    url: str | None
    sha256: str
    size: int | None
    licence: str
    origin: str
    aliases: tuple[str, ...] = ()
    advice: str = ""
    without: str = ""
    tensors: str = ""
    tensor_names: str = ".*"


def _open_model_zoo(network: str, layers: tuple[str, int], constants: tuple[str, int], what: str) -> tuple[File, File]:
    """The two files of a network of Intel's Open Model Zoo, half precision, of release 2023.0.

    Its own list has the sha384 of the files at these addresses; here stands the sha256 of files with that sha384.

    Args:
        network: its name there.
        layers, constants: sha256 and size of the .xml and of the .bin.
        what: the network is.
    """
    place = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1"
    xml, blob = (
        File(
            name=f"{network}{ending}",
            url=f"{place}/{network}/FP16/{network}{ending}",
            sha256=checksum,
            size=size,
            licence="Apache-2.0",
            origin=f"Intel, Open Model Zoo 2023.0: {what}",
            aliases=(f"{network}.fp16{ending}",),
        )
        for ending, (checksum, size) in ((".xml", layers), (".bin", constants))
    )
    return xml, blob


_WITHOUT_POINTS: Final = (
    "give Person.extra_keypoints yourself, from a file of COCO-WholeBody or OpenPose, or leave them away: no model "
    "needs them"
)

FILES: Final = {
    file.name: file
    for file in (
        File(
            name="movenet_lightning.tflite",
            url="https://github.com/google-coral/test_data/raw/master/movenet_single_pose_lightning_ptq.tflite",
            sha256="cd7cc22fa946e5d146a7b98d496853e1923e22828d3972d579973f27f91bb105",
            size=2_894_840,
            licence="Apache-2.0",
            origin="google-coral/test_data: MoveNet single-pose lightning, quantised after training",
            aliases=("movenet_single_pose_lightning_ptq.tflite",),
        ),
        File(
            name="selfie_segmentation.tflite",
            # the address and the checksum of MediaPipe's own list of its files, third_party/external_files.bzl
            url="https://storage.googleapis.com/mediapipe-assets/modules/selfie_segmentation/selfie_segmentation.tflite"
            "?generation=1782183681393267",
            sha256="8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
            size=249_024,
            licence="Apache-2.0",
            origin="google-ai-edge/mediapipe: selfie segmentation, the general model",
            without="give the mask yourself in Person.mask, or leave it away: `repose transfer` needs none",
        ),
        File(
            name="bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite",
            url="https://github.com/google-coral/test_data/raw/master/posenet/"
            "bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite",
            sha256="d0b294c144930f2ce11ae8e6c2c7fdbf56d53bfd72d5a1a0a20baf00c46f7da7",
            size=1_501_376,
            licence="Apache-2.0",
            origin="google-coral/test_data: BodyPix (MobileNet 0.75, stride 16), quantised after training",
            without="give the mask yourself in Person.mask, or leave it away: `repose transfer` needs none",
        ),
        # addresses and checksums of MediaPipe's list, third_party/external_files.bzl: the first of an older version
        File(
            name="palm_detection_full.tflite",
            url="https://storage.googleapis.com/mediapipe-assets/palm_detection_full.tflite?generation=1661875883244842",
            sha256="2f25e740121983f68ffc05f99991d524dc0ea812134f6316a26125816941ee85",
            size=2_341_280,
            licence="Apache-2.0",
            origin="google-ai-edge/mediapipe: palms, the full model",
            without=_WITHOUT_POINTS,
        ),
        File(
            name="hand_landmark_full.tflite",
            url="https://storage.googleapis.com/mediapipe-assets/modules/hand_landmark/hand_landmark_full.tflite"
            "?generation=1782183530499255",
            sha256="8c026882c9ec059ce0f8e75266bee5a9a23c341a40e0000df755374d3d1b9b68",
            size=5_478_688,
            licence="Apache-2.0",
            origin="google-ai-edge/mediapipe: 21 points of a hand, the full model",
            without=_WITHOUT_POINTS,
        ),
        File(
            name="pose_landmark_full.tflite",
            url="https://storage.googleapis.com/mediapipe-assets/modules/pose_landmark/pose_landmark_full.tflite"
            "?generation=1782183658450386",
            sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            size=6_440_512,
            licence="Apache-2.0",
            origin="google-ai-edge/mediapipe: 33 points of a body (BlazePose), the full model",
            without=_WITHOUT_POINTS,
        ),
        File(
            name="mobilenet_v2_imagenet.safetensors",
            url=None,
            sha256="63ba6ce8dfe50e36afaa8c4597dfca19d5318a93b6c913afaaa6cf3d5116da35",
            size=6_987_970,
            licence="Apache-2.0",
            origin="google-coral/test_data tf2_mobilenet_v2_1.0_224_ptq.tflite, int8 weights brought back to float16",
            advice="it is published nowhere in this form: take it from somebody who has it",
        ),
        File(
            name="vgg19-dcbb9e9d.pth",
            url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
            # torchvision publishes the first eight digits, in the name; the rest is as public projects record it that
            # fetched the file from this address
            sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
            size=574_673_361,
            licence="BSD-3-Clause",
            origin="torchvision: VGG19 trained on ImageNet",
        ),
        File(
            name="vgg16-397923af.pth",
            url="https://download.pytorch.org/models/vgg16-397923af.pth",
            sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            size=553_433_881,
            licence="BSD-3-Clause",
            origin="torchvision: VGG16 trained on ImageNet",
            aliases=("vgg16_features_lpips.safetensors",),
            tensors="69a6096f5be51f70dd67f15c9a243b74ab7baf5eef33dc44d971a0ff16cbded7",
            tensor_names=r"features\..*",
        ),
        File(
            name="alexnet-owt-7be5be79.pth",
            url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
            sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            size=244_408_911,
            licence="BSD-3-Clause",
            origin="torchvision: AlexNet trained on ImageNet",
            aliases=("alexnet_features_lpips.safetensors",),
            tensors="a2e6523954a0f49d5fa7ff8beeccefdb8037e9d5aa4440e70756f943a8a757ce",
            tensor_names=r"features\..*",
        ),
        File(
            name="squeezenet1_1-b8a52dc0.pth",
            url="https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
            sha256="b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
            size=4_958_839,
            licence="BSD-3-Clause",
            origin="torchvision: SqueezeNet 1.1 trained on ImageNet",
        ),
        File(
            name="lpips_v0.1_alex.pth",
            url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/alex.pth",
            sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
            size=6_009,
            licence="BSD-2-Clause",
            origin="richzhang/PerceptualSimilarity: the learnt weights of LPIPS v0.1 on AlexNet",
            aliases=("alex.pth", "alexnet_features_lpips.safetensors"),
            tensors="3536455302387cc129e8481dd18ccf03d4464b896bf4ebb8ced6d57b80b6aa81",
            tensor_names=r"lpips\..*",
        ),
        File(
            name="alexnet_features_lpips.safetensors",
            url=None,
            sha256="0f33dbd1550fa47431747e69d20e72fbe5526778fbd16bd13524e9edec7e1efc",
            size=9_884_792,
            licence="BSD-3-Clause (AlexNet), BSD-2-Clause (LPIPS)",
            origin="the convolutions of alexnet-owt-7be5be79.pth and the weights of lpips_v0.1_alex.pth in one file",
            advice="the two published files hold the same numbers and are taken in its place",
        ),
        File(
            name="lpips_v0.1_vgg.pth",
            url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",
            sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
            size=7_289,
            licence="BSD-2-Clause",
            origin="richzhang/PerceptualSimilarity: the learnt weights of LPIPS v0.1 on VGG16",
            aliases=("vgg.pth", "vgg16_features_lpips.safetensors"),
            tensors="be4f6486f22d7f01f88dd283e825166b1b143841729955e642968990127cfdd3",
            tensor_names=r"lpips\..*",
        ),
        File(
            name="lpips_v0.1_squeeze.pth",
            url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/squeeze.pth",
            sha256="4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
            size=10_811,
            licence="BSD-2-Clause",
            origin="richzhang/PerceptualSimilarity: the learnt weights of LPIPS v0.1 on SqueezeNet 1.1",
            aliases=("squeeze.pth",),
            tensors="c562a5e4167dd4f8014bf905a651c153d44a02ad8b28e6791ea757c28c32799d",
            tensor_names=r"lpips\..*",
        ),
        File(
            name="inception_v3_google-0cc3c7bd.pth",
            url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
            sha256="0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef",
            size=108_949_747,
            licence="BSD-3-Clause",
            origin="torchvision: Inception v3 trained on ImageNet, ported from TensorFlow",
        ),
        File(
            name="pt_inception-2015-12-05-6726825d.pth",
            url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
            sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            size=95_628_359,
            licence="Apache-2.0",
            origin="mseitzer/pytorch-fid: TensorFlow's Inception of 2015-12-05, with which IS and FID were defined",
            aliases=("weights-inception-2015-12-05-6726825d.pth",),  # as torch-fidelity calls the same file
        ),
        File(
            name="ssd300_vgg16_coco-b556d3b4.pth",
            url="https://download.pytorch.org/models/ssd300_vgg16_coco-b556d3b4.pth",
            sha256="b556d3b43ab6c3f63d81bfb8835fe8756ac22da664357da100dccf96b6a6b42d",
            size=142_594_222,
            licence="BSD-3-Clause",
            origin="torchvision: SSD300 on VGG16 trained on COCO",
        ),
        *_open_model_zoo(
            "person-reidentification-retail-0277",
            ("82039b1bb986231c50345550e59def94e63579998e9cddbd1a312f293eb87729", 616_140),
            ("6bb69e09d07733cc3896b29081d2627f92db7b9aacd50f1a8c3df491cb10f1b7", 4_178_806),
            "OSNet that compares people",
        ),
        *_open_model_zoo(
            "person-reidentification-retail-0288",
            ("0d5021c772e603dce69d9ef2e326ecf0a43234cc8b4c5bb5e8aa566f090bdb51", 614_533),
            ("08e24c2f1dd976ff8e1f667b93db2950ac8db8da09e163e1ca6463b82d1dbc42", 364_098),
            "a small OSNet that compares people",
        ),
        *_open_model_zoo(
            "person-attributes-recognition-crossroad-0230",
            ("e77cf6191fa27d09310cf388a966ceefc2edde1235daf3eb9714ee865435d289", 261_058),
            ("ff3b5f76cecac2f3338f6a1b43f2e2f4e73073ac8f884457fe4bff8bd387905f", 1_469_624),
            "eight attributes of a person",
        ),
        File(
            name="fastestdet_coco.onnx",
            url="https://raw.githubusercontent.com/dog-qiuqiu/FastestDet/main/example/onnx-runtime/FastestDet.onnx",
            sha256="31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880",
            size=998_169,
            licence="BSD-3-Clause",
            origin="dog-qiuqiu/FastestDet: a small detector trained on COCO",
            aliases=("FastestDet.onnx",),
        ),
    )
}
"""Every file that Repose may fetch, by name."""
