"""The sets of weights that are free for any use, as data: name, licence, purpose, and the checksums of their files.

They have no published address yet: they come with the distributions `pose-transfer` and `pose-transfer-weights`, and
`repose fetch --from` copies them from a folder or a mirror.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from repose.extras import how_to_get_weights
from repose.hub.files import File


@dataclass(frozen=True)
class WeightSet:
    """One set of weights.

    Attributes:
        name: of its folder.
        licence: of the weights.
        purpose: what it is for.
        files: the files of its folder; their names begin with that of the folder.
    """

    name: str
    licence: str
    purpose: str
    files: tuple[File, ...]


def _weights(name: str, licence: str, purpose: str, *files: tuple[str, str, int]) -> WeightSet:
    return WeightSet(
        name,
        licence,
        purpose,
        tuple(
            File(
                f"{name}/{file}",
                None,
                checksum,
                size,
                licence,
                f"Repose: {purpose}; its card is weights/{name}/CARD.md",
                advice=how_to_get_weights(name),
            )
            for file, checksum, size in files
        ),
    )


SETS: Final = {
    one.name: one
    for one in (
        _weights(
            "bodywarp-s-synthetic",
            "CC0-1.0",
            "the default model",
            ("weights.safetensors", "abd066550248cbb562e14fbd6453051750fe35922e48d43c0050438c9c0c648f", 2_443_552),
            ("recipe.json", "6005bba1700b1e18ea0d4218dfbf1513df84394a0445ac53dafcedd84ae064cf", 1_748),
            ("card.json", "ad9f940220b3fa9d358a850c436a56670f381e2a1d6d8fa8c89aefc1659baf1d", 934),
        ),
        _weights(
            "body-lifter",
            "CC0-1.0",
            "a body from 18 joints: the default model needs it",
            ("weights.safetensors", "f36a4b348f1aae58c409b719dbc26156a7ccd63714726850b6761863904bca8a", 2_626_786),
        ),
        _weights(
            "person-parser",
            "Apache-2.0",
            "label maps of people: repose texture, tryon, reconstruct, PINet",
            ("weights.safetensors", "65fac9b02675bc9d825d194a35d09a122d7314ea3142d837b34eb4c178039a58", 4_191_056),
        ),
        _weights(
            "apatn-s-synthetic",
            "CC0-1.0",
            "the small network of APATN, to compare with",
            ("weights.safetensors", "93d2427f570370aef81135996ae1f59e9eae24196ab1dc540409e5de1157de2e", 1_895_048),
            ("recipe.json", "4bd13e988b3a766a6d8848535298fa32484f08c8516e8757485753a5176737e3", 2_200),
            ("card.json", "e2358dd8b11adf0f5af685225eb584cfd5be14f99c0c5c3c88f91616a9bbff58", 557),
        ),
        _weights(
            "carry-s-synthetic",
            "CC0-1.0",
            "pose transfer by one network, without the geometry of bodies",
            ("weights.safetensors", "8cf214dee1bcde78f4395ff054c8fa9f182903bcc824563fe68c045a3c2514c9", 5_520_674),
            ("recipe.json", "6d17bbe902b7bf1dc82fec4531ff53187b1ab49c74522ef1782ddc9ca7707aac", 1_854),
            ("card.json", "bcf2f4580839768e761e37da0e78865e3ca65d5802c9212028419fa0e4de8b99", 779),
        ),
        _weights(
            "densepose-s-synthetic",
            "CC0-1.0",
            "the small network of Dense Pose Transfer, to compare with",
            ("weights.safetensors", "dacd5837235c00c9c824c15947c52283c7b64e2ae1725eb51441aeb0efddbd94", 3_249_200),
            ("recipe.json", "00491d035d192d46f242fe61a1133cc5008106a6adf890a9e21eff02e9dbb990", 2_168),
            ("card.json", "9350798976b54f94f48db1c09b55be338b00c765fe1c8e27e728ac77319c0203", 565),
        ),
        _weights(
            "font-s",
            "CC0-1.0",
            "repose font",
            ("weights.safetensors", "ccfb1160e05ba69acb7cdc537c5620227c9b75712ecb78f6dac2078fe4d8839a", 3_452_768),
        ),
        _weights(
            "garment-s-synthetic",
            "CC0-1.0",
            "repose tryon with the flow network",
            ("weights.safetensors", "4a45827183c4604338ebd15c8cc4126b40607ab25a2ea77f0b3887df1aa6ac26", 548_340),
            ("recipe.json", "eed176817ffec6c8823dbbe867b8ecaac7ebd8680f389b6f05a362dcebdbcfbe", 1_811),
            ("card.json", "020db2bb7a3967f3f7fdbd6a5cfe80f28d1af7817e85219250867c33bb9fdbff", 560),
        ),
        _weights(
            "multiscale-parsing-s-synthetic",
            "CC0-1.0",
            "repose reconstruct, repose tryon --way bitwise",
            ("weights.safetensors", "b9999b82cdcb17f377644641859e6175644e47546d7c1702f2f6196f4d58d432", 7_287_112),
            ("recipe.json", "19ea4596e65e354243fc31d4dc3d1b477888ddd9f9f41eb6d8102a29a0189c4a", 1_794),
            ("card.json", "d8a2898963bff071192a044ff2ffe0f7988fd8b22885d4602a4f5cf135ac599b", 624),
        ),
        _weights(
            "multiscale-s-synthetic",
            "CC0-1.0",
            "the small network of Roy et al., to compare with",
            ("weights.safetensors", "362442b0806aace1cb5ad89d7eeebc9baebf8ec421efed7f7d44927f55866c9c", 7_264_072),
            ("recipe.json", "c5fa33a60409ae5b570107ce93b7fe61df53c9829108442dfe48fdded84bcbb8", 1_105),
            ("card.json", "0e47e0a6ec7c0e03a56a9d18f9fcd2d5b264731c96039b9f33c17c0c43b0d10d", 540),
        ),
        _weights(
            "patn-s-synthetic",
            "CC0-1.0",
            "the small network of Zhu et al., to compare with",
            ("weights.safetensors", "6ab0fcff509c8407b1fa52b7ae22b270bab39721518db2f8eddf2614656b1e9b", 2_861_912),
            ("recipe.json", "71cbf3f02ea70b78fc7ef489020258aab42918aaf4322026f53e20f8eabb9875", 1_365),
            ("card.json", "5d99f051486d4d4200a03d964cc48583731798f9616b81a9725ec829057d3c89", 528),
        ),
    )
}
"""Every set of weights that is free for any use, by name."""
