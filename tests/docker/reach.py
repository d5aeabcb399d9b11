"""What answers a container of a stack, asked from inside it."""

from __future__ import annotations

from tests.docker.running_stack import Stack

ALBUM, PHONES, DRIVE = ":2342/api/v1/status", ":8384/rest/noauth/health", ":5244/ping"
ASK = """
import concurrent.futures, sys, urllib.request

def answers(address):
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=3)
    except urllib.error.HTTPError:
        pass
    except OSError:
        return None
    return address

with concurrent.futures.ThreadPoolExecutor(20) as at_once:
    print(*filter(None, at_once.map(answers, sys.argv[1:])))
"""
PYTHON = {"cloudflared": "/usr/lib/cloudflared-double/python", "photoprism": "python3"}


def addresses(stack: Stack, service: str) -> list[str]:
    """Return every address of a service inside Docker."""
    networks = stack.container(service).attrs["NetworkSettings"]["Networks"]
    return [network["IPAddress"] for network in networks.values()]


def reached(stack: Stack, service: str, urls: list[str]) -> list[str]:
    """Return the addresses that answer a service, with a page or with a refusal."""
    done = stack.container(service).exec_run([PYTHON[service], "-c", ASK, *urls])
    assert isinstance(done.output, bytes)
    assert done.exit_code == 0, done.output
    return done.output.decode().split()
