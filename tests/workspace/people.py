"""Who is who, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from databricks.sdk.service import iam as sdk

from tests.workspace.cloud import Cloud, Request, Route
from tests.workspace.errors import ApiError, bad
from tests.workspace.fields import check_type

_LEVELS = {
    "jobs": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"),
    "pipelines": ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER"),
}
_WHO = ("user_name", "group_name", "service_principal_name")


class People:
    """The current user, and the permissions on jobs and pipelines."""

    def __init__(self, cloud: Cloud, owner: Callable[[str, str], str]) -> None:
        """Bind them to what has an owner.

        Args:
            cloud: The workspace.
            owner: Gives the creator of `jobs` or `pipelines` by id, or raises.
        """
        self._cloud = cloud
        self._owner = owner
        self.lists: dict[str, list[dict[str, Any]]] = {}
        """`jobs/17` to what was granted there."""
        at = r"/api/2\.0/permissions/(jobs|pipelines)/([^/]+)"
        self.routes = [
            Route("GET", r"/api/2\.0/preview/scim/v2/Me", self._me),
            Route("GET", at, self._get),
            Route("PUT", at, self._set),
            Route("PATCH", at, self._add),
        ]

    def _me(self, request: Request) -> Any:
        name = request.user.name
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "4711",
            "userName": name,
            "displayName": name.split("@")[0],
            "active": True,
            "emails": [{"type": "work", "value": name, "primary": True}],
            "groups": [{"display": "users", "type": "direct", "value": "1"}],
        }

    def _get(self, request: Request) -> Any:
        kind, remote_id = request.args
        owner = self._owner(kind, remote_id)
        known = self.lists.get(f"{kind}/{remote_id}")
        if known is None:
            known = [{"user_name": owner, "permission_level": "IS_OWNER"}]
        rows = [_shown(one) for one in known]
        inherited = {"permission_level": "CAN_MANAGE", "inherited": True}
        rows.append({"group_name": "admins", "all_permissions": [inherited]})
        return {
            "object_id": f"/{kind}/{remote_id}",
            "object_type": {"jobs": "job"}.get(kind, kind),
            "access_control_list": rows,
        }

    def _set(self, request: Request) -> Any:
        kind, remote_id = request.args
        self._owner(kind, remote_id)
        asked = self._asked(request)
        owners = [one for one in asked if one["permission_level"] == "IS_OWNER"]
        if len(owners) != 1:
            raise bad(f"The {kind.removesuffix('s')} must have exactly one owner.")
        self.lists[f"{kind}/{remote_id}"] = asked
        return self._get(request)

    def _add(self, request: Request) -> Any:
        kind, remote_id = request.args
        owner = self._owner(kind, remote_id)
        first = [{"user_name": owner, "permission_level": "IS_OWNER"}]
        known = self.lists.setdefault(f"{kind}/{remote_id}", first)
        for one in self._asked(request):
            known[:] = [old for old in known if _who(old) != _who(one)] + [one]
        return self._get(request)

    def _asked(self, request: Request) -> list[dict[str, Any]]:
        if strange := set(request.body) - {"access_control_list"}:
            raise ApiError(
                400, "MALFORMED_REQUEST", f"unknown field: {sorted(strange)}"
            )
        asked = request.body.get("access_control_list") or []
        levels = _LEVELS[request.args[0]]
        for one in asked:
            check_type(sdk.AccessControlRequest, one, "access_control_list")
            if one.get("permission_level") not in levels:
                raise bad(f"{one.get('permission_level')} is not one of {levels}")
            if sum(name in one for name in _WHO) != 1:
                raise bad(f"exactly one of {_WHO} must be given")
            group = one.get("group_name")
            if group and group not in self._cloud.groups:
                message = f"Principal: GroupName({group}) does not exist."
                raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        return list(asked)


def _who(entry: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(entry.get(name) for name in _WHO)


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    who = {name: entry[name] for name in _WHO if name in entry}
    level = {"permission_level": entry["permission_level"], "inherited": False}
    return {**who, "all_permissions": [level]}
