"""Getting in where pyflyte gets in: credentials on requests, logins of people, tokens in pyflyte's slots.

``authenticator`` is what a session needs. ``login`` and ``steps`` are for ``flowtui login`` and ``flowtui doctor`` and
are imported there.
"""

from flowtui.admin.auth.authenticator import Authenticator, authenticator

__all__ = ["Authenticator", "authenticator"]
