"""What `mdf status` says of resources."""

from __future__ import annotations

from mdf_magics.deploying.workspaces.protocol import PermissionDenied
from tests.deploying.desired import FLIGHTS, compiled, part
from tests.deploying.faults import lost, on
from tests.deploying.place import Place


def statuses(place: Place) -> dict[str, str]:
    return {status.key: status.status for status in place.deployer.status()}


def test_every_resource_has_one(place: Place):
    place.deploy(FLIGHTS)
    assert set(statuses(place).values()) == {"deployed"}
    ids = place.ids()

    place.local.delete("job", ids["bronze"])
    place.edit("gold", lambda settings: settings.update(max_concurrent_runs=7))
    place.edit("silver", lambda settings: settings["tags"].pop("mdf_nonce"))
    place.workspace.before = on("get", ids["all"], PermissionDenied("no"))

    assert statuses(place) == {
        "all": "unknown",
        "bronze": "missing",
        "gold": "changed by hand",
        "silver": "not ours",
    }


def test_what_was_interrupted_is_unfinished(place: Place):
    place.workspace.before = on("create", "bronze", lost(), times=9)
    place.deploy(compiled(part("bronze", "bronze.t")))

    (status,) = place.deployer.status()

    assert status.to_json() == {
        "key": "bronze",
        "kind": "job",
        "remote_id": None,
        "status": "unfinished",
    }
    assert status.tables == ("bronze.t",)


def test_before_the_first_deploy_there_is_nothing(place: Place):
    assert place.deployer.status() == []
