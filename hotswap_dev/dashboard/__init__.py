"""The terminal dashboard: a client of the control site, and nothing more.

What a server is, does and knows comes over the wire (`feed` into `mirror`); what it means is asked of the domain's pure
functions; `selectors` and `keys` are pure over one frozen `View`; widgets and screens only draw and ask.
"""
