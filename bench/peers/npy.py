"""Reads NumPy's .npy files without NumPy."""
import array
import ast
import sys

_CODES = {"<f4": "f", "<i4": "i"}


def read_npy(path):
    """(shape, values) of a float32 or int32 array in C order. Raises ValueError on anything else."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:6] != b"\x93NUMPY" or len(data) < 12:
        raise ValueError(f"'{path}' is no .npy file")
    size, start = (2, 10) if data[6] == 1 else (4, 12)
    length = int.from_bytes(data[8:8 + size], "little")
    header = ast.literal_eval(data[start:start + length].decode("latin1"))
    code = _CODES.get(header["descr"])
    if code is None or header["fortran_order"] or sys.byteorder != "little":
        raise ValueError(f"'{path}' holds {header['descr']}; expected float32 or int32 in C order, little endian")
    values = array.array(code)
    values.frombytes(data[start + length:])
    count = 1
    for extent in header["shape"]:
        count *= extent
    if count != len(values):
        raise ValueError(f"'{path}' has {len(values)} values, its header says {count}")
    return header["shape"], values
