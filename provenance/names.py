"""Readable names of runs: `calm-otter-42`."""

from __future__ import annotations

import random

from .store import Store

ADJECTIVES = """able agile amber ample azure bold brave breezy bright brisk calm candid careful cheery civil
    clear clever cosy crisp curious dapper daring eager early earnest easy fair famous fancy fine firm fond
    frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind lively loyal lucky mellow
    merry mild modest neat nimble noble patient placid plain polite proud quick quiet rapid ready rosy
    rustic serene sharp shiny silent silver simple smart smooth snug sober solid spry steady still stout
    subtle sunny swift tidy tranquil trusty upbeat velvet vivid warm wise witty young zesty"""

NOUNS = """acorn alder anchor aspen badger barley beacon beaver beech birch bison bramble brook canyon
    cedar cherry clover comet condor copper coral crane creek cricket crow daisy delta dolphin dove dune
    eagle elm ember falcon fern finch fjord fox gander garnet glacier glen grove gull harbor hare hawk hazel
    heron hickory ibis iris ivy jasper juniper kestrel lagoon lake lark laurel lemur lilac linden lotus lynx
    maple marlin marten meadow merlin mesa moss moth newt oak orchid osprey otter owl panda pebble pelican
    petrel pine plover poplar puffin quail quartz raven reed river robin rowan sable sage salmon sparrow
    spruce stork swan tern thistle thrush tulip turtle walnut walrus willow wren yarrow zephyr"""

_TRIES = 20


def new_name(store: Store) -> str:
    """Return a name that no run of the store has. Raises StoreFailed when the store cannot be read."""
    name = _any_name()
    for _ in range(_TRIES):
        if store.database.one("SELECT 1 FROM run WHERE name = ?", (name,)) is None:
            break
        name = _any_name()
    return name


def name_for(run_id: str) -> str:
    """Return the name that follows from the id of a run: for one that was not named where it was made."""
    number = int(run_id, 16)
    adjectives, nouns = ADJECTIVES.split(), NOUNS.split()
    number, first = divmod(number, len(adjectives))
    number, second = divmod(number, len(nouns))
    return f"{adjectives[first]}-{nouns[second]}-{number % 99 + 1}"


def _any_name() -> str:
    # Not the generator that user code may have seeded: two runs of one script need different names.
    choose = random.SystemRandom()
    return f"{choose.choice(ADJECTIVES.split())}-{choose.choice(NOUNS.split())}-{choose.randrange(1, 100)}"
