"""Whom a mark is for, and whether that party can be told now: in SQL, of a mark `m`, a party `q` and a partner `p`."""

from ocpi_party.ocpi.modules import TOLD_BY_CPOS, ModuleId

IS_TOLD_BY_CPOS = f"q.role IN ({', '.join(repr(str(role)) for role in sorted(TOLD_BY_CPOS))})"

# A mark is for a party in a role: a hub may say that NL/ALL is there as CPO, and away as eMSP. Only tokens are told to CPOs.
IN_ITS_ROLE = (
    f"(q.role = 'HUB' OR CASE WHEN m.module = '{ModuleId.TOKENS}' THEN q.role = 'CPO' ELSE {IS_TOLD_BY_CPOS} END)"
)

REACHABLE = f"""coalesce((SELECT bool_or(q.status = 'CONNECTED') FROM partner_parties q
                           WHERE q.partner_id = m.partner_id AND q.owner = m.party AND {IN_ITS_ROLE}),
                         EXISTS (SELECT FROM partner_parties q WHERE q.partner_id = m.partner_id AND q.owner = m.party))"""
"""Nothing is sent to a party that is away (HubClientInfo, "Another Party goes OFFLINE"), nor to one that the partner has no more;
what it does not know stays marked."""

ONE_WAY = """NOT EXISTS (
                    SELECT FROM partner_parties d JOIN partners dp ON dp.id = d.partner_id AND dp.status = 'CONNECTED'
                     WHERE d.owner = q.owner AND d.role = q.role AND d.partner_id <> q.partner_id
                       AND d.status IN ('CONNECTED', 'OFFLINE')
                       AND (d.status, dp.quirks->>'over_direct' IS DISTINCT FROM 'true', d.source, dp.id)
                         < (q.status, p.quirks->>'over_direct' IS DISTINCT FROM 'true', q.source, p.id))
           AND NOT (q.source = 'hub' AND EXISTS (SELECT FROM parties o WHERE o.owner = q.owner AND o.role = q.role))"""
"""One way to each party: directly, else through the hub we know longest; a hub with `over_direct` goes first (HUB-27)."""


def agreed(owner: str) -> str:
    """The partner deals with this party of ours. owner  an SQL expression, COUNTRY*PARTY"""
    return f"(p.parties IS NULL OR p.parties::jsonb ? {owner})"


def state(module: str, ref: str) -> str:
    """The state of a new mark: it waits, or it is paused because the operator switched this off. module, ref  SQL expressions

    Whoever stores it holds the partner FOR KEY SHARE, so that it is not switched over unseen (`switching`).
    """
    return f"""CASE WHEN p.push AND (p.modules IS NULL OR p.modules::jsonb ? {module}) AND {agreed(f"split_part({ref}, '/', 1)")}
                    THEN 'WAITING' ELSE 'PAUSED' END"""
