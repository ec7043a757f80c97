"""Where a partner strays from OCPI, or goes its own way, so that we treat it otherwise: the names that `Partner.quirks` has."""

from typing import Annotated

from pydantic import Field

from ocpi_party.backoffice.writing import Body
from ocpi_party.ocpi.modules import ModuleId


class Quirks(Body):
    """What is not given is as OCPI has it."""

    model_config = {"strict": True}

    accept_older: bool | None = Field(None, description="take its changes although we know newer ones")
    empty_is_done: bool | None = Field(
        None, description="that it answers a push with nothing means that it took what it was told"
    )
    page_limit: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="the limit that we ask it for")
    paging_without_link: bool | None = Field(None, description="its lists go on although no Link says so")
    required_endpoints: list[Annotated[str, Field(pattern=r"^[a-z]+ (SENDER|RECEIVER)$")]] | None = Field(
        None, description="without these, as `cdrs RECEIVER`, we do not register with it"
    )
    sessions_date_from_optional: bool | None = Field(None, description="it may list our sessions without date_from")
    unknown_times: bool | None = Field(None, description="its CDRs may lack times that it does not know")
    cdrs_without_evse_uid: bool | None = Field(None, description="cdr_location of its CDRs may lack evse_uid")
    cdr_tokens_of: Annotated[str, Field(pattern=r"^[A-Z]{2}\*[A-Z0-9]{3}$")] | None = Field(
        None, description="our eMSP, as NL*TNM, whose driver is meant where a cdr_token names no party"
    )
    broadcast: list[Annotated[ModuleId, Field(strict=False)]] | None = Field(
        None, description="a hub: modules that it takes once for everybody"
    )
    any_party: bool | None = Field(None, description="a hub: it speaks for parties that it did not tell us of")
    over_direct: bool | None = Field(None, description="a hub: preferred even for parties that are connected directly")
