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
            ("card.json", "c5ea9df9eb367b111445c1307d9b53711ee0a2fa27c1cc73a610ab2fe012430b", 806),
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
            "carry-s-synthetic",
            "CC0-1.0",
            "pose transfer by one network, without the geometry of bodies",
            ("weights.safetensors", "8cf214dee1bcde78f4395ff054c8fa9f182903bcc824563fe68c045a3c2514c9", 5_520_674),
            ("recipe.json", "6d17bbe902b7bf1dc82fec4531ff53187b1ab49c74522ef1782ddc9ca7707aac", 1_854),
            ("card.json", "c0d060ce84c63c49f4282dd6fb7f14e0850242dfbe677b3de7783954d4346c6f", 651),
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
            ("card.json", "c4c485b685eba6588d018882b01119aa5736527578c4571ee15eaf35fbb10fa3", 432),
        ),
        _weights(
            "multiscale-parsing-s-synthetic",
            "CC0-1.0",
            "repose reconstruct, repose tryon --way bitwise",
            ("weights.safetensors", "b9999b82cdcb17f377644641859e6175644e47546d7c1702f2f6196f4d58d432", 7_287_112),
            ("recipe.json", "19ea4596e65e354243fc31d4dc3d1b477888ddd9f9f41eb6d8102a29a0189c4a", 1_794),
            ("card.json", "a3cb13b8b1329b9ebbcaf2687959ab2b2762fbf388ed0d9f2c4a7aa0727c2d41", 496),
        ),
        _weights(
            "multiscale-s-synthetic",
            "CC0-1.0",
            "the small network of Roy et al., to compare with",
            ("weights.safetensors", "362442b0806aace1cb5ad89d7eeebc9baebf8ec421efed7f7d44927f55866c9c", 7_264_072),
            ("recipe.json", "c5fa33a60409ae5b570107ce93b7fe61df53c9829108442dfe48fdded84bcbb8", 1_105),
            ("card.json", "9b7d156296c3ee0bdd89295630c5bb596977daf79a57ba545da68a8997b75148", 412),
        ),
        _weights(
            "patn-s-synthetic",
            "CC0-1.0",
            "the small network of Zhu et al., to compare with",
            ("weights.safetensors", "6ab0fcff509c8407b1fa52b7ae22b270bab39721518db2f8eddf2614656b1e9b", 2_861_912),
            ("recipe.json", "71cbf3f02ea70b78fc7ef489020258aab42918aaf4322026f53e20f8eabb9875", 1_365),
            ("card.json", "1c78e8bf9e4502a901a29fb5a4e59dbcc5b671d696bd34c34a0827a985cde862", 400),
        ),
    )
}
"""Every set of weights that is free for any use, by name."""
