"""The errors that a person sees: each names the thing, the value, and the way out.

    HotswapError              exit 1, HTTP 400
     ├─ UsageError            exit 2: the command line or a setting is wrong
     ├─ Unreachable           exit 3: no server answers where one should
     ├─ NotFound              HTTP 404: what was named does not exist
     └─ BuildRefused          HTTP 409: this tree must not become a release

Three boundaries format them: the command line, HTTP (`application/problem+json`) and the dashboard.
Anything else that is raised is a bug and is reported as one.
"""


class HotswapError(Exception):
    """Something that a person can mend.

    `message` says what is wrong and names the value; `hint` says what to do; `code` is kebab-case and stable,
    for scripts and for the `type` of a problem body.
    """

    exit_code = 1
    status = 400

    def __init__(self, message: str, hint: str = "", *, code: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class UsageError(HotswapError):
    """A flag, an argument or a setting that can't be meant."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "", *, code: str = "usage") -> None:
        super().__init__(message, hint, code=code)


class Unreachable(HotswapError):
    """No server answers: none was started in this workspace, or it is gone."""

    exit_code = 3
    status = 503

    def __init__(self, message: str, hint: str = "", *, code: str = "unreachable") -> None:
        super().__init__(message, hint, code=code)


class NotFound(HotswapError):
    """A release, client, channel or command that does not exist."""

    status = 404

    def __init__(self, message: str, hint: str = "", *, code: str = "not-found") -> None:
        super().__init__(message, hint, code=code)


class BuildRefused(HotswapError):
    """A tree that must not become a release; what is served stays.

    `code` is one of the build codes (`no-index`, `symlink-outside`, `unreadable`, …), `path` the file in the
    tree that is the reason, relative to its root with `/`, or None where it is the tree as a whole.
    """

    status = 409

    def __init__(self, code: str, message: str, hint: str = "", *, path: str | None = None) -> None:
        super().__init__(message, hint, code=code)
        self.path = path
