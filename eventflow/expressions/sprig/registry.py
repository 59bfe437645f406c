"""All functions by name. `env` and `expandenv` are not among them, as in Argo."""

from types import MappingProxyType

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.functions import Function
from eventflow.expressions.sprig import (
    choices,
    dates,
    dicts,
    encodings,
    lists,
    numerics,
    paths,
    randoms,
    regexes,
    texts,
    versions,
)
from eventflow.expressions.sprig.signatures import define

_REFUSED = {
    "asks the network, which an expression must not do": ("getHostByName",),
    "makes keys, which an expression cannot do twice alike: make them in a step": (
        "genPrivateKey",
        "genCA",
        "genCAWithKey",
        "genSelfSignedCert",
        "genSelfSignedCertWithKey",
        "genSignedCert",
        "genSignedCertWithKey",
        "buildCustomCert",
        "bcrypt",
        "htpasswd",
        "derivePassword",
        "encryptAES",
        "decryptAES",
    ),
}


def _refuse(name: str, reason: str) -> Function:
    def run(*_: object) -> None:
        raise Fault(f"sprig.{name} is refused: it {reason}")

    return define(name, "a*", run)


_MODULES = (choices, dates, dicts, encodings, lists, numerics, paths, randoms, regexes, texts, versions)
FUNCTIONS = MappingProxyType(
    {function.name: function for module in _MODULES for function in module.FUNCTIONS}
    | {name: _refuse(name, reason) for reason, names in _REFUSED.items() for name in names}
)
