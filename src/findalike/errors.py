"""Every error findalike raises on purpose.

A message says what was given, what is allowed and what to do next; for files it names the path
and the row. Errors of other libraries are translated where they are met (``raise ... from``).

::

    FindalikeError
    ├── UserError                 the caller can mend it; the command line exits with 2
    │   ├── ImageError            not an image we can read, or beyond the limits
    │   ├── BoxError              a box that cannot be used on its image
    │   ├── CatalogueError        a source of products that cannot be read as a whole
    │   ├── FilterError           a filter expression; carries the position of the fault
    │   ├── PathError             a path outside the given root
    │   ├── UrlError              a URL that may not be fetched, or leads where it must not
    │   ├── BundleError           an encoder bundle that is missing, damaged or unknown
    │   ├── EncoderMismatchError  embeddings of one encoder offered to an index of another
    │   ├── ShopNotFoundError     no shop at the given place
    │   ├── ShopExistsError       a shop where a new one was to be made
    │   ├── StrictImportError     the first refused row of a strict import
    │   ├── EvaluationError       rankings or relevance that cannot be judged
    │   ├── RecipeError           a recipe that cannot be read, or names what is not there
    │   ├── TrainingDataError     training data that cannot be used, or that leaks
    │   ├── SettingError          an option or argument outside its range
    │   └── MissingExtraError     an optional dependency that is not installed
    └── FailureError              not the caller's fault; the command line exits with 1
        ├── FetchError            a remote image, or weights on a hub, that could not be had
        ├── LockedError           another process is writing to the same place
        │   ├── ShopLockedError   to the shop
        │   └── RunLockedError    to the folder of the run
        ├── StorageError          the disk is full, read-only or damaged
        └── EngineError           the index engine or the encoder's runtime failed
"""


class FindalikeError(Exception):
    """The root of the tree."""


class UserError(FindalikeError):
    """Something the caller gave is wrong, and the caller can mend it."""


class FailureError(FindalikeError):
    """Something failed that the caller gave no cause for."""


class ImageError(UserError):
    """Not an image that can be read, or one beyond the limits on bytes and pixels."""


class BoxError(UserError):
    """A box that cannot be used on its image."""


class CatalogueError(UserError):
    """A source of products that cannot be read as a whole."""


class FilterError(UserError):
    """A filter expression that cannot be used.

    Attributes:
        expression: the text that was given.
        position: index of the character at fault, counted from 0.
    """

    def __init__(self, message: str, *, expression: str, position: int) -> None:
        pointer = " " * position + "^"
        super().__init__(f"{message}\n  {expression}\n  {pointer}")
        self.expression = expression
        self.position = position


class PathError(UserError):
    """A path that leaves the root it was given under."""


class UrlError(UserError):
    """A URL that may not be fetched, or that leads to an address that is not public."""


class BundleError(UserError):
    """An encoder bundle that is missing, damaged or unknown."""


class EncoderMismatchError(UserError):
    """Embeddings of one encoder offered to an index of another."""


class ShopNotFoundError(UserError):
    """No shop at the given place."""


class ShopExistsError(UserError):
    """A shop stands where a new one was to be made."""


class StrictImportError(UserError):
    """A row was refused in a strict import; nothing was imported."""


class EvaluationError(UserError):
    """Rankings or relevance judgements that cannot be evaluated."""


class RecipeError(UserError):
    """A recipe that cannot be read, or that names what is not there."""


class TrainingDataError(UserError):
    """Training data that cannot be used, or that leaks into what the training is judged by."""


class SettingError(UserError):
    """An option or argument outside its range."""


class MissingExtraError(UserError):
    """An optional dependency is needed that is not installed."""

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs the extra '{extra}', which is not installed: "
            f'pip install "findalike[{extra}]"'
        )


class FetchError(FailureError):
    """A remote image, or weights on a hub, that could not be had."""


class LockedError(FailureError):
    """Another process is writing to the same place."""


class ShopLockedError(LockedError):
    """Another process is writing to the shop."""


class RunLockedError(LockedError):
    """Another process trains in the folder of the run."""


class StorageError(FailureError):
    """The disk is full, read-only or damaged."""


class EngineError(FailureError):
    """The index engine, or the runtime that embeds pictures, failed."""
