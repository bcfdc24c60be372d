"""How the API says no."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A reply that isn't 200."""

    def __init__(self, status: int, error_code: str, message: str) -> None:
        super().__init__(f"{status} {error_code}: {message}")
        self.status = status
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {"error_code": error_code, "message": message}


def bad(message: str) -> ApiError:
    """400: a value is wrong."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> ApiError:
    """404: there is no such thing."""
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def forbidden(message: str) -> ApiError:
    """403: it may be there or not."""
    return ApiError(403, "PERMISSION_DENIED", message)
