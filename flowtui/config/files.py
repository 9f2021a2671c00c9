"""Configuration files as text, with a limit of size and errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from flowtui.errors import ConfigError

_LARGEST = 1 << 20


def file_text(file: Path, *, must_exist: bool, remedy: str) -> str | None:
    """The text of a file, None where it is not there and need not be.

    Args:
        remedy: what to do where it is missing, to end a hint.

    Raises:
        ConfigError: it is missing, too large, unreadable or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ConfigError(f"{file} is larger than 1 MB.", "Is it a configuration file?")
        return data.decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        if must_exist:
            raise ConfigError(f"{file} does not exist.", remedy) from error
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None
    except ValueError:
        raise ConfigError("The name of a configuration file holds a NUL.", remedy) from None
