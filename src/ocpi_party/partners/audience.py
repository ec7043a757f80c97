"""Who may see one of our objects: lists and pushes use the same column."""

OURS = 0
"""Stands in the column partner_id of our own objects."""

EVERYBODY = ""
"""Audience of an object that each partner of the module may see."""

NOBODY = "-"
"""Audience of an object that leaves our house neither by list nor by push."""
