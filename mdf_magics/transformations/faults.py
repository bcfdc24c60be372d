"""What is wrong with a body, as an offset of its text."""

from __future__ import annotations


class TemplateFault(ValueError):
    """Something wrong with a body, at an offset of its text."""

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        offset: int = 0,
        length: int = 1,
        cause: int | None = None,
    ) -> None:
        """Say what is wrong and where.

        Args:
            code: The problem's code.
            message: What is wrong.
            hint: What to do; `{line}` stands for the line of the cause.
            offset: Where it shows, in characters from 0.
            length: How many characters are marked.
            cause: Where the cause stands, if that is elsewhere.
        """
        super().__init__(message)
        self.code, self.hint = code, hint
        self.offset, self.length, self.cause = offset, length, cause


def line_start(text: str, line: int) -> int:
    """The offset where a line (from 1) begins; the text's end beyond its last."""
    offset = 0
    for _ in range(line - 1):
        offset = text.find("\n", offset) + 1
        if offset == 0:
            return len(text)
    return offset
