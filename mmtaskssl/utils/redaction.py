"""What is written or shown of addresses and keys: never what opens them.

Everything of ours that leaves the process (JSON files, pages, dumped configs, logs,
sentences) passes through here. A path on this machine may hold any character, and
stays as it is: an address is known by its ``SCHEME://``.
"""

import re
from collections.abc import Mapping
from typing import Any

#: Stands for what is left out.
HIDDEN = "***"
#: Services whose addresses are of a ``container@account``, which opens nothing.
WITH_ACCOUNT = frozenset(("abfs", "abfss", "wasb", "wasbs"))

# What is taken for a path on the way has lost one of its slashes.
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)(?P<mark>://|"
    r"(?:(?<=http)|(?<=https)|(?<=ftp)|(?<=sftp)|(?<=s3)|(?<=gs)|(?<=az)|(?<=hf)"
    r"|(?<=hdfs)|(?<=abfs)|(?<=abfss)|(?<=wasb)|(?<=wasbs)|(?<=oss)|(?<=petrel)):/)"
    r"(?P<rest>[^\s'\"<>`/][^\s'\"<>`]*)"
)
# ``user:password@``; passwords are typed with slashes in them, ports are numbers.
_USER = re.compile(r"[^/?#]*@|[^/?#@:]+:(?!\d+(?:[/?#]|$))[^@]*@")
# As Azure allows it; one without a key behind a colon.
_CONTAINER = re.compile(r"\$?[a-z0-9][a-z0-9-]*@(?=[^@]+$)")
_END = re.compile(r"[)\],.;:!]*$")
# As the services make them; in a path on this machine they stand behind a slash.
_TOKEN = re.compile(
    r"(?<![\w/-])(?:hf_[A-Za-z0-9]{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}\b|gh[oprsu]_\w{30,}"
    r"|github_pat_\w{30,}|glpat-[\w-]{20,}|ya29\.[\w-]{20,}|AIza[\w-]{35}"
    r"|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+)"
)
_NAMES = (
    r"(?:[A-Za-z0-9]+_)*(?:password|passwd|secret|secret_key|secret_access_key"
    r"|access_key|access_key_id|account_key|api_key|apikey|private_key"
    r"|connection_string|sas_token|sas_url|(?:access|auth|api|hf|hub|session|security"
    r"|bearer|github|refresh|id)_token)|token|authorization|credentials?"
)
_NAME = re.compile(_NAMES, re.IGNORECASE)
# In the text of a config or of JSON: a secret's name, and its value in quotes.
_NAMED = re.compile(
    rf"(?P<before>(?<![\w-])(?:{_NAMES})['\"]?\s*[=:]\s*)(?P<quote>['\"])"
    r"(?:\\.|(?!(?P=quote)).)+(?P=quote)",
    re.IGNORECASE,
)
# An option as it is given: ``model.token=VALUE``.
_OPTION = re.compile(rf"(?P<before>(?:--)?(?:[\w-]+\.)*(?:{_NAMES})=)[^/\s]+", re.I)
_PART = re.compile(
    r"(?P<before>\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=)[^;\s'\"]+"
)


def redacted(text: str) -> str:
    """Returns a text without what opens the addresses in it, and without keys.

    An address loses its user, password and query, and so is the same whoever signed
    it; what is known as a service's token, and the quoted value of a secret's name
    (``api_key='...'``), become `HIDDEN`.

    Args:
        text: A sentence, a config, a page; a path without a scheme stays as it is.
    """
    if ":/" in text:
        text = _ADDRESS.sub(_without_secrets, text)
    if "_" in text or "." in text or "A" in text:
        text = _TOKEN.sub(HIDDEN, text)
    if "=" in text:
        text = _PART.sub(rf"\g<before>{HIDDEN}", text)
    if "'" in text or '"' in text:
        text = _NAMED.sub(rf"\g<before>\g<quote>{HIDDEN}\g<quote>", text)
    return text


def redacted_value(value: Any) -> Any:
    """Returns a value, JSON-ready if it was, whose texts are `redacted`.

    Args:
        value: Of mappings, lists, tuples and anything else, which stays as it is. Keys
            are redacted, too, unless two would then be one.
    """
    if isinstance(value, str):
        return redacted(_OPTION.sub(_if_whole, value) if "=" in value else value)
    if isinstance(value, Mapping):
        names = {key: redacted(key) if isinstance(key, str) else key for key in value}
        if len({*names.values()}) < len(names):
            names = {key: key for key in value}
        return {names[k]: _of_name(k, one) for k, one in value.items()}
    if isinstance(value, list | tuple):
        found = [redacted_value(one) for one in value]
        return tuple(found) if isinstance(value, tuple) else found
    return value


def _of_name(name: Any, value: Any) -> Any:
    if isinstance(value, str) and isinstance(name, str) and _NAME.fullmatch(name):
        return HIDDEN if value else value
    return redacted_value(value)


def _if_whole(match: re.Match[str]) -> str:
    whole = match.span() == (0, len(match.string))
    return match["before"] + HIDDEN if whole else match[0]


def _without_secrets(match: re.Match[str]) -> str:
    scheme, rest = match["scheme"], match["rest"]
    if scheme.lower() == "file":  # a path on this machine
        return match[0]
    end = _END.search(rest)
    behind = end[0] if end else ""
    rest = rest[: len(rest) - len(behind)]
    is_container = scheme.lower() in WITH_ACCOUNT and _CONTAINER.match(rest)
    if _USER.match(rest) and not is_container:
        rest = _USER.sub("", rest, count=1)
    rest, _, _ = rest.partition("?")
    place, _, fragment = rest.partition("#")
    if "=" in fragment:  # where some services hand their tokens over
        rest = place
    parts = (_TOKEN.sub(HIDDEN, part) for part in rest.split("/"))
    return f"{scheme}{match['mark']}{'/'.join(parts)}{behind}"
