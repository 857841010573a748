"""Settings from file and environment: what wins, and what is said about values that cannot be used."""

from pathlib import Path

import pytest

from core.clock import DAY, system_clock
from core.errors import BadInput
from hotline.__main__ import main
from hotline.commands import settings_page
from hotline.configuration import BadSettings, load, load_with_origins
from hotline.settings import Settings
from hotline.sign_in import password_rule, provider_of
from web.password_rules import PasswordRule


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No hotline.toml of somebody else's in the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str) -> Path:
    file = Path("own.toml")
    file.write_text(text, "utf-8")
    return file


def problems(file: Path | None = None, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(BadSettings) as refused:
        load(file, environment or {})
    return [str(problem) for problem in refused.value.problems]


def test_defaults_are_the_embedded_ones() -> None:
    settings = load(environment={})
    assert settings == Settings()
    assert settings.main_url == "sqlite+aiosqlite:///var/data/hotline.db"
    assert settings.ledger_url == "sqlite+aiosqlite:///var/data/ledger.db"
    assert settings.zone_info.key == "Asia/Shanghai"
    assert settings.nodes == ()


def test_environment_wins_over_the_file_value_by_value() -> None:
    file = written('data_dir = "elsewhere"\n[web]\nport = 8001\nhost = "0.0.0.0"\n')
    settings = load(file, {"HOTLINE_WEB__PORT": "8002", "PATH": "/bin"})
    assert (settings.web.port, settings.web.host) == (8002, "0.0.0.0")  # noqa: S104
    assert settings.main_url == "sqlite+aiosqlite:///elsewhere/hotline.db"


def test_databases_can_be_named() -> None:
    settings = load(environment={"HOTLINE_DATABASE__MAIN": "postgresql+psycopg://me:secret@one/two"})
    assert settings.main_url == "postgresql+psycopg://me:secret@one/two"
    assert settings.ledger_url == "sqlite+aiosqlite:///var/data/ledger.db"


def test_the_ledger_has_a_database_of_its_own() -> None:
    one = "postgresql+psycopg://me:secret@one/two"
    (said,) = problems(environment={"HOTLINE_DATABASE__MAIN": one, "HOTLINE_DATABASE__LEDGER": one})
    assert said == (
        "database.ledger (HOTLINE_DATABASE__LEDGER): "
        "is the main database, too; give the ledger one of its own"
    )


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@one/two", "me:secret@one", "oracle://me:secret@one/two"]
)
def test_a_bad_url_is_refused_without_its_password(url: str) -> None:
    (said,) = problems(environment={"HOTLINE_DATABASE__MAIN": url})
    assert said.startswith("database.main (HOTLINE_DATABASE__MAIN): this URL cannot be used: ")
    assert "secret" not in said


PROVIDER = {
    "HOTLINE_OIDC__ISSUER": "https://id.example",
    "HOTLINE_OIDC__CLIENT_ID": "hotline",
    "HOTLINE_OIDC__CLIENT_SECRET_FILE": "secret",
    "HOTLINE_OIDC__ADDRESS": "https://hotline.example",
}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ISSUER", "http://id.example", "oidc.issuer (HOTLINE_OIDC__ISSUER): begin with https://"),
        ("CLIENT_ID", "", "oidc.client_id (HOTLINE_OIDC__CLIENT_ID): give it and client_secret_file"),
        ("ADDRESS", "", "oidc.address (HOTLINE_OIDC__ADDRESS): write our own address"),
        ("ADDRESS", "https://hotline.example/board", "write scheme, host and port only"),
        ("SCOPES", '["profile"]', "oidc.scopes (HOTLINE_OIDC__SCOPES): openid has to be among them"),
    ],
)
def test_an_identity_provider_is_named_whole(name: str, value: str, says: str) -> None:
    assert load(environment=PROVIDER).oidc.claim == "preferred_username"
    (said,) = problems(environment=PROVIDER | {f"HOTLINE_OIDC__{name}": value})
    assert says in said


def test_what_passwords_must_be_like_is_the_settings() -> None:
    assert password_rule(Settings()) == PasswordRule()
    wanted = {"PASSWORD_LENGTH": "16", "PASSWORD_DAYS": "30", "FORMER_PASSWORDS": "9", "CHANGE_INITIAL": "no"}
    given = {f"HOTLINE_SESSION__{name}": value for name, value in wanted.items()}
    given["HOTLINE_OIDC__PASSWORDS"] = "no"
    assert password_rule(load(environment=given)) == PasswordRule(
        length=16, good_for=30 * DAY, former=9, change_initial=False, beside_provider=False
    )


def test_the_provider_s_secret_is_a_file_s_whole_content() -> None:
    settings = load(environment=PROVIDER)
    with pytest.raises(BadInput, match=r"oidc.client_secret_file: secret cannot be read"):
        provider_of(settings, system_clock)
    Path("secret").write_text("\n", "utf-8")
    with pytest.raises(BadInput, match="is empty"):
        provider_of(settings, system_clock)
    Path("secret").write_text("hush\n", "utf-8")
    provider = provider_of(settings, system_clock)
    assert provider is not None
    assert provider.options.client_secret == "hush"
    assert "hush" not in repr(provider.options)
    assert provider_of(Settings(), system_clock) is None


def test_nodes_from_the_file_and_as_json() -> None:
    file = written('[[nodes]]\nname = "a1"\naccounts = "a"\ndirectory = "n"\n')
    assert [(node.name, node.port) for node in load(file, {}).nodes] == [("a1", 5038)]
    in_json = '[{"name": "b1", "port": 15801, "accounts": "a", "directory": "n"}]'
    assert [node.port for node in load(file, {"HOTLINE_NODES": in_json}).nodes] == [15801]


def test_the_file_is_found_by_name_or_in_the_working_directory() -> None:
    Path("hotline.toml").write_text("[web]\nport = 8003\n", "utf-8")
    assert load(environment={}).web.port == 8003
    other = written("[web]\nport = 8004\n")
    assert load(environment={"HOTLINE_CONFIG": str(other)}).web.port == 8004


def test_everything_wrong_is_named_at_once_with_its_place_and_what_is_right() -> None:
    file = written(
        'zone = "Mars"\ncolour = 1\n[web]\nprot = 12\n[session]\nfailures = 0\n'
        '[[nodes]]\nname = "a1"\naccounts = "x"\ndirectory = "y"\n[[nodes]]\nname = "A 1"\naccounts = "x"\n'
    )
    said = problems(file, {"HOTLINE_WEB__PORT": "99999", "HOTLINE_WEBPORT": "1"})
    assert sorted(said) == [
        "HOTLINE_WEBPORT: is no setting; did you mean HOTLINE_WEB__PORT? Unset it or correct it",
        "colour (own.toml:2): is no setting; docs/settings.md lists them all",
        "nodes.1.directory (own.toml:11): is missing: give it a value",
        "nodes.1.name (own.toml:12): 'A 1' cannot be used: a node is called by 1 to 16 small letters and "
        "digits, a letter first",
        "session.failures (own.toml:6): 0 cannot be used: input should be greater than or equal to 1",
        "web.port (HOTLINE_WEB__PORT): '99999' cannot be used: input should be less than or equal to 65535",
        "web.prot (own.toml:4): is no setting; did you mean web.port?",
        "zone (own.toml:1): 'Mars' cannot be used: name a zone of the IANA list, such as Asia/Shanghai",
    ]


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("HOTLINE_DATABASE__MAIN", "no url", "is not a database URL: write sqlite+aiosqlite:////srv"),
        ("HOTLINE_WEB__ORIGINS", '["desk.example"]', "write scheme, host and port only"),
        ("HOTLINE_WEB__ORIGINS", "https://desk.example", "write the list as JSON"),
        ("HOTLINE_LOG__LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("HOTLINE_ZONE", "../../etc/passwd", "name a zone of the IANA list"),
    ],
)
def test_a_bad_value_is_answered_with_what_would_be_right(name: str, value: str, remedy: str) -> None:
    (said,) = problems(environment={name: value})
    assert name in said
    assert remedy in said


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[mail]\nhost = "mail.bank.example"', "mail.sender: name the address"),
        (
            '[mail]\nhost = "m"\nsender = "a@b.example"\nuser = "u"\nsecurity = "none"',
            "mail.security: the password would travel in clear",
        ),
        ('[sms]\nurl = "http://sms.example/send"', "sms.url: begin with https://"),
        ('[sms]\nurl = "https://sms.example/send"\naccount = "a"', "sms.key: give account and key"),
    ],
)
def test_a_way_out_that_is_half_set_up_is_refused(table: str, says: str) -> None:
    (said,) = problems(written(table + "\n"))
    setting, _, advice = says.partition(": ")
    assert said.startswith(f"{setting} (own.toml:")
    assert advice in said


def test_a_password_is_shown_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"HOTLINE_MAIL__HOST": "m", "HOTLINE_MAIL__SENDER": "a@b", "HOTLINE_MAIL__PASSWORD": "psst"}
    settings = load(environment=environment)
    assert settings.mail.password is not None
    assert settings.mail.password.get_secret_value() == "psst"
    file = written('[mail]\nhost = "m"\nsender = "a@b"\npassword = "psst"\n')
    assert main(["settings", "--config", str(file)]) == 0
    assert "psst" not in capsys.readouterr().out + repr(settings)


def test_two_nodes_of_one_name_are_refused() -> None:
    node = '[[nodes]]\nname = "a1"\naccounts = "x"\ndirectory = "y"\n'
    (said,) = problems(written(node + node))
    assert "two nodes are called a1" in said


def test_a_file_that_cannot_be_read_or_understood_is_named() -> None:
    assert problems(Path("none.toml")) == [
        "none.toml: cannot be read (No such file or directory): name a file that can"
    ]
    (said,) = problems(written("zone = \n"))
    assert said.startswith("own.toml: is not TOML: ")
    assert "line 1" in said


def test_each_value_knows_where_it_comes_from() -> None:
    _, origins = load_with_origins(written("[web]\nport = 8005\n"), {"HOTLINE_ZONE": "UTC"})
    assert origins["web", "port"] == "own.toml:2"
    assert origins["zone",] == "HOTLINE_ZONE"


def test_the_command_shows_what_is_in_force_without_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    file = written('[database]\nmain = "postgresql+psycopg://bank:hush@db/hotline?sslmode=require"\n')
    assert main(["settings", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "hush" not in shown
    assert "postgresql+psycopg://bank@db/hotline  (own.toml:2)" in shown


def test_the_command_refuses_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--config", "none.toml"]) == 2
    assert "none.toml: cannot be read" in capsys.readouterr().err


def test_the_page_is_checked_against_the_types(capsys: pytest.CaptureFixture[str]) -> None:
    Path("docs").mkdir()
    assert main(["settings", "--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert main(["settings", "--write"]) == 0
    assert main(["settings", "--check"]) == 0
    assert "| `port` | `HOTLINE_WEB__PORT` | `9559` |" in settings_page.page()


def test_a_value_that_may_hold_a_password_is_not_repeated() -> None:
    file = written(
        '[database]\nmain = "::postgresql//hotline:open-sesame@db"\n[mail]\npassword = ["open-sesame"]\n'
    )
    said = problems(file)
    assert len(said) == 2
    assert "open-sesame" not in " ".join(said)
    assert any(one.startswith("database.main (own.toml:2): this URL cannot be used") for one in said)
