"""Every setting of the program, as types: what there is, what it may be, and what it is by default.

`hotline.configuration.load` fills them from a TOML file and the environment. docs/settings.md is made from
this module (`./run hotline settings --write`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from core.errors import BadInput
from core.names import fits
from hotline.settings_agents import AgentsSettings
from hotline.settings_customers import CustomersSettings
from hotline.settings_lease import LeaseSettings
from hotline.settings_nodes import NodeSettings
from hotline.settings_notices import MailSettings, SmsSettings
from hotline.settings_outgoing import OutgoingSettings
from hotline.settings_section import Port, Section, origin
from hotline.settings_sign_in import OidcSettings, SessionSettings
from storage.notices.mail import Security
from storage.urls import database_url, same_place
from web.redis_url import check_redis_url


class LogForm(StrEnum):
    """How log lines look."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError("name a zone of the IANA list, such as Asia/Shanghai") from error
    return name


def _database_url(url: str) -> str:
    if url:
        try:
            database_url(url, "")
        except BadInput as error:
            raise ValueError(error.problem) from error
    return url


def _redis_url(url: str) -> str:
    if url:
        try:
            check_redis_url(url, "")
        except BadInput as error:
            raise ValueError(error.problem) from error
    return url


_SMS_URL = re.compile(r"https://[^/]|http://(?:127\.0\.0\.1|localhost)[:/]")
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


class WebSettings(Section):
    """[web] pages and HTTP API"""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="address the pages and the API listen on"
    )
    port: Port = Field(default=9559, description="port the pages and the API listen on")
    origins: tuple[Annotated[str, AfterValidator(origin)], ...] = Field(
        default=(),
        description="further origins (a proxy's) whose pages may send changes, besides our own",
    )
    leader: Annotated[str, AfterValidator(origin)] = Field(
        default="http://127.0.0.1:9559",
        description="where a web process (`hotline web`) finds the service that handles calls",
    )
    secure_cookie: bool = Field(
        default=False, description="send the session cookie over HTTPS only: set it behind a TLS proxy"
    )
    body_limit_kib: int = Field(default=1024, ge=16, le=65_536, description="largest body of a request, KiB")


class DatabaseSettings(Section):
    """[database] where facts and records are kept"""

    main: DatabaseUrl = Field(
        default="",
        description="URL of the main database, `postgresql+psycopg://user:password@host:5432/hotline` or "
        "`sqlite+aiosqlite:////absolute/path.db`; empty: hotline.db in `data_dir`",
    )
    ledger: DatabaseUrl = Field(
        default="", description="URL of the ledger's, another one; empty: ledger.db in `data_dir`"
    )


class RedisSettings(Section):
    """[redis] the live feed between this process and web processes; off until `url` names a Redis"""

    url: Annotated[str, AfterValidator(_redis_url)] = Field(
        default="",
        description="URL of the Redis, `redis://:password@host:6379`, `rediss://…` or `unix:///path`; "
        "empty: there are no web processes",
    )
    prefix: str = Field(
        default="hotline",
        pattern=r"^[a-z][a-z0-9-]{0,30}$",
        description="what its channels' names begin with, should several hotlines share a Redis",
    )


class LogSettings(Section):
    """[log] what is written to standard error"""

    level: LogLevel = Field(default=LogLevel.INFO, description="from which level on")
    form: LogForm = Field(
        default=LogForm.AUTO, description="json, console, or auto (console on a terminal, else json)"
    )


class MetricsSettings(Section):
    """[metrics] figures for Prometheus, at /metrics"""

    token_file: Path | None = Field(
        default=None,
        description="file with the bearer token that /metrics asks of everyone; "
        "empty: it is for programs on this host alone, and not through a proxy",
    )


def _at_least(least: int) -> AfterValidator:
    def check(value: int) -> int:
        if value and value < least:
            raise ValueError(f"keep them for {least} at least, or for ever (0)")
        return value

    return AfterValidator(check)


class RetentionSettings(Section):
    """[retention] how long things are kept; 0: for ever. What is still owed stays longer, and says why"""

    facts_months: Annotated[int, _at_least(6)] = Field(
        default=0, ge=0, le=1200, description="months that facts stay in the ledger: 0, or 6 and more"
    )
    calls_months: Annotated[int, _at_least(6)] = Field(
        default=0, ge=0, le=1200, description="months that a call stays in the list: 0, or 6 and more"
    )
    intervals_months: Annotated[int, _at_least(12)] = Field(
        default=0, ge=0, le=1200, description="months that figures over time stay: 0, or 12 and more"
    )
    recordings_days: Annotated[int, _at_least(180)] = Field(
        default=0, ge=0, le=36_500, description="days that recordings stay, with files: 0, or 180 and more"
    )


class JobsSettings(Section):
    """[jobs] work that runs aside, such as long reports"""

    at_once: int = Field(default=2, ge=1, le=16, description="so many run side by side")
    exports_hours: int = Field(
        default=48, ge=1, le=720, description="hours that a report ordered as a sheet can be fetched"
    )


class UpgradeSettings(Section):
    """[upgrade] how `hotline upgrade` and `hotline roll-back` handle the service"""

    stop: tuple[str, ...] = Field(
        default=("sudo", "--non-interactive", "systemctl", "stop", "hotline"),
        min_length=1,
        description="words of the command that stops the service, and returns once it has ended",
    )
    start: tuple[str, ...] = Field(
        default=("sudo", "--non-interactive", "systemctl", "start", "hotline"),
        min_length=1,
        description="words of the command that starts it",
    )
    ready_s: int = Field(
        default=60, ge=1, le=3600, description="so long it may take to be ready, else it is rolled back"
    )
    backups: Path | None = Field(
        default=None, description="folder for the backups made before; empty: backups in `data_dir`"
    )
    keep: int = Field(
        default=3,
        ge=2,
        le=100,
        description="so many releases stay, those in place last; others are removed after an upgrade",
    )


class DemoSettings(Section):
    """[demo] the Asterisk, the customers and the telephones of `./run demo`"""

    sip_address: str = Field(
        default="127.0.0.1", min_length=1, description="address its Asterisk takes calls on"
    )
    sip_port: Port = Field(default=15060, description="port its Asterisk takes calls on")
    ami_port: Port = Field(default=15038, description="port of its Asterisk's manager interface")
    page_port: Port = Field(
        default=15088, description="port on which its Asterisk takes telephones in agents' pages"
    )
    rtp_first: Port = Field(default=20_000, description="first of 1,000 ports for sound")
    people_port: Port = Field(
        default=15_100, description="first of 20 ports of the simulated customers and telephones"
    )
    agents: int = Field(default=16, ge=0, le=24, description="simulated agents; 0: every call is yours")
    calls_per_minute: int = Field(default=40, ge=1, le=600, description="calls of the simulated customers")


class Settings(Section):
    """[] the program as a whole"""

    data_dir: Path = Field(default=Path("var/data"), description="folder for databases, spool and catalogue")
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Asia/Shanghai", description="time zone of pages, reports and working days"
    )
    seed: Path = Field(
        default=Path("directory/seed/demo.yaml"), description="staff, queues, devices and lists to start from"
    )
    calendar: Path = Field(
        default=Path("directory/seed/calendar.yaml"),
        description="working days and hours to start from; later notices are entered in the directory",
    )
    flows: Path = Field(
        default=Path("ivr/flows"), description="folder of the flows, what callers hear and press"
    )
    catalogue: Path = Field(
        default=Path("dialplans/prompts/catalogue.yaml"),
        description="everything that is said, as text: start from the one that comes along",
    )
    credentials: Path | None = Field(
        default=None,
        description="passwords and device secrets of the seed; empty: credentials.yaml in `data_dir`",
    )
    studio_prompts: Path | None = Field(
        default=None,
        description="folder of studio recordings that replace spoken prompts one by one; "
        "empty: studio in `data_dir`",
    )
    web: WebSettings = WebSettings()
    session: SessionSettings = SessionSettings()
    oidc: OidcSettings = OidcSettings()
    database: DatabaseSettings = DatabaseSettings()
    lease: LeaseSettings = LeaseSettings()
    redis: RedisSettings = RedisSettings()
    log: LogSettings = LogSettings()
    agents: AgentsSettings = AgentsSettings()
    customers: CustomersSettings = CustomersSettings()
    metrics: MetricsSettings = MetricsSettings()
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    retention: RetentionSettings = RetentionSettings()
    jobs: JobsSettings = JobsSettings()
    outgoing: OutgoingSettings = OutgoingSettings()
    upgrade: UpgradeSettings = UpgradeSettings()
    demo: DemoSettings = DemoSettings()
    nodes: tuple[NodeSettings, ...] = ()

    @model_validator(mode="after")
    def _one_line_out_of_a_node(self) -> Settings:
        for node in self.nodes:
            if sum(trunk.outgoing for trunk in node.trunks) > 1:
                raise ValueError(f"nodes: {node.name} has two outgoing trunks; leave one of them so")
        return self

    @model_validator(mode="after")
    def _each_node_once(self) -> Settings:
        names = [node.name for node in self.nodes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"nodes: two nodes are called {', '.join(twice)}; give each a name of its own")
        return self

    @model_validator(mode="after")
    def _what_is_on_is_whole(self) -> Settings:
        mail, sms = self.mail, self.sms
        if mail.host and not fits("mail", mail.sender):
            raise ValueError("mail.sender: name the address that notices come from, or leave mail.host empty")
        if mail.returns_maildir and not mail.host:
            raise ValueError("mail.returns_maildir: nothing is sent that could come back: set mail.host, too")
        if mail.host and mail.user and mail.security is Security.NONE:
            raise ValueError("mail.security: the password would travel in clear: choose starttls or tls")
        if sms.url and not _SMS_URL.match(sms.url):
            raise ValueError("sms.url: begin with https:// (http:// only on this host): texts name people")
        if sms.url and not (sms.account and sms.key):
            raise ValueError("sms.key: give account and key, or leave sms.url empty")
        return self

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Settings:
        self.oidc.require_whole()
        return self

    @model_validator(mode="after")
    def _each_database_once(self) -> Settings:
        if same_place(database_url(self.main_url, ""), database_url(self.ledger_url, "")):
            raise ValueError("database.ledger: is the main database, too; give the ledger one of its own")
        return self

    @property
    def main_url(self) -> str:
        """URL of the main database."""
        return self.database.main or f"sqlite+aiosqlite:///{self.data_dir / 'hotline.db'}"

    @property
    def ledger_url(self) -> str:
        """URL of the ledger's database."""
        return self.database.ledger or f"sqlite+aiosqlite:///{self.data_dir / 'ledger.db'}"

    @property
    def credentials_file(self) -> Path:
        """File with the passwords and secrets that set-up made."""
        return self.credentials or self.data_dir / "credentials.yaml"

    @property
    def studio_folder(self) -> Path:
        """Folder of the studio recordings, which need not be there."""
        return self.studio_prompts or self.data_dir / "studio"

    @property
    def zone_info(self) -> ZoneInfo:
        """The bank's time zone."""
        return ZoneInfo(self.zone)
