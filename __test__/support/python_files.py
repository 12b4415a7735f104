"""Carries out sequences of file operations with Python's own open: a JSON line in, a JSON line out.

Bytes are strings of Latin-1, so that every one of them has a character.
"""

import io
import json
import sys


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return value.decode("latin-1")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def given(value, binary):
    return value.encode("latin-1") if binary else value


def into(method, size):
    view = bytearray(size)
    count = method(view)
    return [count, bytes(view)]


def lines(file, hint=0):
    """Python's own readlines forbids tell afterwards, which AsyncFile does not."""
    found = []
    total = 0
    while line := file.readline():
        found.append(line)
        if hint is not None and 0 < hint < total + len(line):
            break
        total += len(line)
    return found


def step(file, operation, places, binary):
    name, *args = operation
    if name in ("write",):
        return file.write(given(args[0], binary))
    if name == "writelines":
        return file.writelines([given(item, binary) for item in args[0]])
    if name in ("readinto", "readinto1"):
        return into(getattr(file, name), args[0])
    if name == "mark":
        places.append(file.tell())
        return places[-1] if binary else None
    if name == "goto":
        place = places[args[0] % len(places)] if places else 0
        file.seek(place)
        return None
    if name == "readlines" and not binary:
        return lines(file, *args)
    result = getattr(file, name)(*args)
    # What a text file says about its position is its own business.
    return None if name == "seek" and not binary and args != [0] else result


def attempt(file, operation, places, binary):
    try:
        return {"value": plain(step(file, operation, places, binary))}
    except UnicodeDecodeError as error:
        return {"error": "decode"}
    except UnicodeEncodeError as error:
        return {"error": "encode"}
    except io.UnsupportedOperation:
        return {"error": "unsupported"}
    except UnicodeError as error:
        return {"error": "decode"}
    except (ValueError, OSError) as error:
        return {"error": "bad"}


def carry_out(job):
    binary = "b" in job["mode"]
    places = []
    results = []
    try:
        file = open(job["path"], job["mode"], **job["options"])
    except OSError as error:
        return {"opening": error.errno, "results": [], "content": None}
    try:
        for operation in job["operations"]:
            results.append(attempt(file, operation, places, binary))
    finally:
        file.close()
    with open(job["path"], "rb") as check:
        return {"opening": 0, "results": results, "content": check.read().decode("latin-1")}


for line in sys.stdin:
    sys.stdout.write(json.dumps(carry_out(json.loads(line))) + "\n")
    sys.stdout.flush()
