"""An audit tells on which places a file was made, and how its inputs came there."""

from __future__ import annotations

from recrate.core.audit import audit
from recrate.hashing import digest_bytes
from recrate.views.audit import facts, lines

from .fields import Fields
from .test_two_places import TWO


def test_the_transfers_on_the_way_and_the_clusters_are_told(fields: Fields) -> None:
    ran = fields.run(TWO, {"word": "hello"}, fields.binding({"/make": "east", "/shout": "west"}))
    found = audit(ran.database, digest_bytes(b"HELLO").sha256)
    told = {making.job.path: facts(making)["cluster"].split()[0] for making in found.makings.values()}
    assert told == {"/make": "east", "/shout": "west"}
    shout, make, *_ = ((text, dict(said)) for _, text, said in lines(found))
    assert shout[0].startswith("loud.txt") and make[0].startswith("f: made.txt")
    assert shout[1]["moved"].startswith("west:") and " -> local:" in shout[1]["moved"]
    assert make[1]["moved"].startswith("east:") and " -> west:" in make[1]["moved"]
    assert "(relay, 5 bytes, " in make[1]["moved"]
