"""Files of a build, on the local disk or in a bucket: Beam's FileSystems behind one door."""

import posixpath
from pathlib import Path
from typing import BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.store.files import LOCAL
from pipeline.store.web_file import is_web, open_web

_PLAIN = CompressionTypes.UNCOMPRESSED


def is_local(path: str) -> bool:
    """Whether a path names a file of this machine."""
    return "://" not in path


def has_client(path: str) -> bool:
    """Whether Beam can open the scheme of a path here."""
    try:
        FileSystems.get_filesystem(path)
    except ValueError:
        return False
    return True


def no_client(path: str) -> str:
    """What to say of a path with a scheme that Beam has no client for."""
    scheme = path.partition("://")[0]
    extra = {"gs": "gcp", "s3": "aws"}.get(scheme)
    if extra is None:
        return f"nothing here opens {scheme}://"
    return f"{scheme}:// needs a client (pip install 'apache-beam[{extra}]')"


class BeamFiles:
    """Files by path; a path with a scheme (gs://, s3://) goes through Beam's FileSystems.

    What lies on a web server (https://) can be read, and nothing else.
    """

    def create(self, path: str) -> BinaryIO:
        """A new file open for writing; missing folders are made."""
        if is_local(path):
            return LOCAL.create(path)
        return cast(BinaryIO, FileSystems.create(path, compression_type=_PLAIN))

    def open(self, path: str) -> BinaryIO:
        """A file open for reading, seekable."""
        if is_local(path):
            return LOCAL.open(path)
        if is_web(path):
            return open_web(path)
        return cast(BinaryIO, FileSystems.open(path, compression_type=_PLAIN))

    def publish(self, temp: str, final: str) -> None:
        """Give a closed file its final name; done again after a crash it changes nothing.

        A bucket has no rename: the copy takes the final name in one step, then the source goes.
        """
        if is_local(final):
            LOCAL.publish(temp, final)
            return
        if self.exists(temp):
            FileSystems.copy([temp], [final])
            self.remove(temp)

    def remove(self, path: str) -> None:
        """Delete a file if it is there."""
        if is_local(path):
            LOCAL.remove(path)
        elif self.exists(path):
            FileSystems.delete([path])

    def exists(self, path: str) -> bool:
        """Whether there is a file, or a folder with files, at a path."""
        return Path(path).exists() if is_local(path) else bool(FileSystems.exists(path))

    def read(self, path: str) -> bytes:
        """The whole of a file."""
        with self.open(path) as stream:
            return stream.read()

    def write(self, path: str, content: bytes) -> None:
        """A whole file under its final name, or none at all."""
        temp = f"{path}.part"
        with self.create(temp) as stream:
            stream.write(content)
        self.publish(temp, path)

    def copy(self, source: str, target: str) -> None:
        """A file under a second name in one step: a hard link where the disk can, else a copy."""
        if not is_local(target):
            FileSystems.copy([source], [target])
            return
        temp = Path(f"{target}.part")
        temp.parent.mkdir(parents=True, exist_ok=True)
        temp.unlink(missing_ok=True)
        try:
            temp.hardlink_to(source)
        except OSError:
            with self.open(source) as read, temp.open("wb") as write:
                while block := read.read(1 << 22):
                    write.write(block)
        temp.replace(target)
        # Where both are names of one file already, POSIX renames nothing.
        temp.unlink(missing_ok=True)

    def list(self, folder: str) -> list[str]:
        """The paths of all files below a folder, sorted; none where there is no such folder."""
        if is_local(folder):
            return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
        (found,) = FileSystems.match([posixpath.join(folder, "**")])
        return sorted(metadata.path for metadata in found.metadata_list)


FILES = BeamFiles()
"""All files of a build; holds no state, so that workers may share it."""
