"""Which files belong to the project, for the tests that read its sources."""
import os
import subprocess

_SKIPPED_FOLDERS = {".git", "build", "__pycache__"}


def project_files(root):
    """Paths relative to `root` of every file of the project: what git tracks or would track; without git (an
    unpacked archive), everything but build output."""
    try:
        listing = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
        paths = {path for path in listing.split("\0") if path}
    except (OSError, subprocess.CalledProcessError):
        paths = set()
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
            paths.update(os.path.relpath(os.path.join(folder, name), root) for name in names)
    return sorted(path for path in paths if os.path.isfile(os.path.join(root, path)))


def read(root, path):
    """Text of a project file; None if it is not text."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
