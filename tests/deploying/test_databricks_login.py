"""What doesn't fit about a login is said in one sentence, before anything is changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from mdf_magics.deploying.workspaces import current_user, reaching
from mdf_magics.deploying.workspaces.current_user import CurrentUser, short_name
from mdf_magics.deploying.workspaces.login import log_in
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.deploying.workspaces.protocol import NotLoggedIn
from mdf_magics.deploying.workspaces.rest import Rest
from tests.workspace import USER, WorkspaceServer


def who(profile: str | None = None, host: str | None = None) -> tuple[str, str]:
    rest = Rest(log_in(profile, host), pace=Pace(1e9, 10), sleep=lambda _: None)
    return rest.who()


def refusal(profile: str | None = None, host: str | None = None) -> tuple[str, str]:
    with pytest.raises(NotLoggedIn) as raised:
        who(profile, host)
    return raised.value.message, raised.value.hint


class Listening:
    """A port of this machine that counts who connects."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.connections = 0
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        for one in self._open:
            one.close()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._open.append(connection)
                self.connections += 1
                self._answer(connection)


@pytest.fixture
def config(server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A configuration file with a profile, and nothing in the environment."""
    for name in server.environment:
        monkeypatch.delenv(name)
    file = tmp_path / "databrickscfg"
    file.write_text(f"[work]\nhost = {server.host}\ntoken = {server.token}\n")
    return file


class TestWhoLogsIn:
    def test_the_environment(self, server: WorkspaceServer):
        assert who() == (USER, server.cloud.workspace_id)

    def test_a_profile(self, server: WorkspaceServer, config: Path):
        assert who("work") == (USER, server.cloud.workspace_id)

    def test_the_only_profile_of_a_host(self, server: WorkspaceServer, config: Path):
        assert who(host=f"{server.host}/") == (USER, server.cloud.workspace_id)

    @pytest.mark.parametrize(
        "typed", ["{}", "{}/", "{}/?o=123#job/1", "{}/browse?o=1", " {} ", '"{}"']
    )
    def test_an_address_as_a_browser_shows_it(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, typed: str
    ):
        address = typed.format(server.host)
        monkeypatch.setenv("DATABRICKS_HOST", address)

        assert who() == who(host=address) == (USER, server.cloud.workspace_id)

    def test_the_profile_of_the_environment_among_those_of_a_host(
        self, server: WorkspaceServer, config: Path, monkeypatch: pytest.MonkeyPatch
    ):
        config.write_text(config.read_text() + f"[other]\nhost = {server.host}\n")
        monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "work")

        assert who(host=server.host) == (USER, server.cloud.workspace_id)

    def test_a_host_with_a_token_of_the_environment(self, server: WorkspaceServer):
        assert who(host=server.host) == (USER, server.cloud.workspace_id)


class TestRefusals:
    def test_no_credentials(self, config: Path):
        assert refusal() == (
            "there are no Databricks credentials for the workspace",
            "Log in:  databricks auth login --host https://... , or set DATABRICKS_HOST and DATABRICKS_TOKEN.",
        )

    def test_a_missing_profile(self, config: Path):
        message, hint = refusal("wrok")

        assert message == f"there is no profile wrok in {config}"
        assert hint == 'Did you mean "work"? There are: work.'

    def test_a_missing_profile_of_the_environment(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "Work")

        assert refusal()[1] == 'Did you mean "work"? There are: work.'

    def test_two_profiles_of_one_host(self, server: WorkspaceServer, config: Path):
        config.write_text(config.read_text() + f"[again]\nhost = {server.host}/?o=1\n")

        assert refusal(host=server.host) == (
            f"there are 2 profiles for {server.host}: again, work",
            "Say in the target which one:  profile: again",
        )
        assert server.calls == []

    @pytest.mark.parametrize(
        "typed", ["my workspace", "https//adb-1.example.com", "adb"]
    )
    def test_what_is_no_address(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, typed: str
    ):
        message = f'"{typed}" is no address of a workspace'
        assert refusal(host=typed)[0] == message

        monkeypatch.setenv("DATABRICKS_HOST", typed)
        assert refusal()[0] == message

    @pytest.mark.parametrize("typed", ["{} ", '"{}"', "{}\n", "{}…", "dapi {}"])
    def test_a_token_with_more_around_it(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, typed: str
    ):
        monkeypatch.setenv("DATABRICKS_TOKEN", typed.format(server.token))

        message, hint = refusal()

        assert message.startswith("the token holds a character that no token has")
        assert server.token not in message + hint
        assert server.calls == []

    def test_a_kind_of_login_that_nothing_is_there_for(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DATABRICKS_AUTH_TYPE", "pta")

        assert refusal()[0] == (
            "there are no credentials of the type pta for the workspace"
        )

    def test_a_token_without_a_host(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DATABRICKS_TOKEN", "x")

        assert refusal()[0] == "there is a token, but no host"

    @pytest.mark.parametrize("expired", [True, False])
    def test_a_token_that_is_not_accepted(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch, expired: bool
    ):
        if expired:
            server.add_user("old@example.com", "dapi-old", expired=True)
        monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-old")

        message, hint = refusal()

        why = "Token is expired" if expired else "Invalid access token"
        assert message == f"{server.host} doesn't accept these credentials (pat): {why}"
        assert hint.startswith("Make a new token")
        assert "dapi-old" not in message + hint

    def test_a_token_for_another_host(self, server: WorkspaceServer):
        message, _ = refusal(host="https://other.example.com")

        assert message == (
            "the target's host is https://other.example.com,"
            f" and DATABRICKS_HOST is {server.host}"
        )
        assert server.calls == []

    def test_a_profile_and_another_host_in_the_environment(
        self, server: WorkspaceServer, config: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DATABRICKS_HOST", "https://other.example.com")

        message, hint = refusal("work")

        assert message == (
            f"the profile work is for {server.host},"
            " and DATABRICKS_HOST is https://other.example.com"
        )
        assert hint == "Unset DATABRICKS_HOST and its token."

    def test_a_profile_for_another_host(self, server: WorkspaceServer, config: Path):
        message, _ = refusal("work", "https://other.example.com")

        assert message == (
            f"the profile work is for {server.host},"
            " and the target for https://other.example.com"
        )

    def test_two_kinds_of_credentials(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DATABRICKS_CLIENT_ID", "a")
        monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", "b")

        assert refusal()[0] == "there are credentials of two kinds (oauth and pat)"

    def test_nobody_listens(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch
    ):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            host = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("DATABRICKS_HOST", host)

        assert refusal()[0] == f"{host} can't be reached: the connection is refused"

    def test_a_host_that_says_nothing_is_asked_once(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(reaching, "PROBE_SECONDS", 0.3)
        with Listening(lambda connection: None) as silent:
            monkeypatch.setenv("DATABRICKS_HOST", silent.address)

            assert refusal()[0] == (
                f"{silent.address} can't be reached: it doesn't answer"
            )
        assert silent.connections == 1

    def test_a_name_that_is_looked_up_for_ever(
        self, server: WorkspaceServer, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(reaching, "PROBE_SECONDS", 0.1)
        monkeypatch.setattr(reaching, "_NAME_SECONDS", 0.1)
        monkeypatch.setenv("DATABRICKS_HOST", "https://adb-1.example.com")
        over = threading.Event()
        asked: list[object] = []

        def look_up(*names: object, **_: object) -> list[object]:
            asked.append(names)
            over.wait()
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

        message, _ = refusal()
        over.set()

        assert message == (
            "https://adb-1.example.com can't be reached: it doesn't answer"
        )
        assert len(asked) == 1

    @pytest.mark.parametrize(
        ("reply", "says"),
        [
            (
                b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                "says 407 Proxy Authentication Required",
            ),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "says 403 Forbidden"),
            (None, "can't be reached"),
        ],
    )
    def test_a_proxy_in_the_way_is_asked_once(
        self,
        server: WorkspaceServer,
        monkeypatch: pytest.MonkeyPatch,
        reply: bytes | None,
        says: str,
    ):
        monkeypatch.setenv("DATABRICKS_HOST", "https://adb-1.example.com")

        def answer(connection: socket.socket) -> None:
            connection.recv(10_000)
            connection.sendall(reply or b"")
            connection.close()

        with Listening(answer) as proxy:
            if reply is None:
                proxy.close()
            plain = proxy.address.removeprefix("http://")
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{plain}")

            message, hint = refusal()

        assert message == (
            "the proxy on the way to https://adb-1.example.com,"
            f" {proxy.address}, {says}"
        )
        assert hint.startswith("Check HTTPS_PROXY")
        assert proxy.connections == (0 if reply is None else 1)

    def test_a_page_instead_of_an_api(self, server: WorkspaceServer):
        server.fault("scim", "page", times=None)

        message = f"{server.host} doesn't answer as a Databricks workspace"
        assert refusal()[0] == message

    def test_a_workspace_that_is_down(self, server: WorkspaceServer):
        server.fault("scim", 503, times=None, message="upgrading")

        assert server.count("GET /api/2.0/preview/scim/v2/Me") == 0
        with pytest.raises(Exception, match="isn't available now: upgrading"):
            who()

    def test_says_nothing_of_a_host_that_tells_nothing_of_itself(
        self, server: WorkspaceServer, caplog: pytest.LogCaptureFixture
    ):
        who()

        assert caplog.text == ""


class TestUser:
    @pytest.fixture(autouse=True)
    def nobody_refused(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(current_user, "_REFUSED", {})

    def test_a_short_name_has_letters_and_digits(self):
        assert short_name("Jane.Doe-2@example.com") == "jane_doe_2"

    def test_is_asked_once(self, server: WorkspaceServer, tmp_path: Path):
        names = [CurrentUser(tmp_path, None, None).name() for _ in range(2)]

        assert names == ["me", "me"]
        assert server.count("GET /api/2.0/preview/scim/v2/Me") == 1

    def test_offline_it_is_the_machines_and_the_login_is_tried_once(
        self, server: WorkspaceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(current_user, "login_name", lambda: "local")
        server.fault("scim", "page", times=None)
        user = CurrentUser(tmp_path, None, None)

        assert [user.name(), user.name()] == ["local", "local"]

        with pytest.raises(NotLoggedIn, match="doesn't answer as a Databricks"):
            user.check_login()
        user.check_login()
        assert server.count("GET /api/2.0/preview/scim/v2/Me") == 1

    def test_names_of_somebody_else_are_refused_once(
        self, server: WorkspaceServer, tmp_path: Path
    ):
        user = CurrentUser(tmp_path, None, None)
        user.remember("jane")

        with pytest.raises(
            NotLoggedIn, match="are jane's, and you are logged in as me"
        ):
            user.check(USER, "jane")

        assert user.name() == "me"
