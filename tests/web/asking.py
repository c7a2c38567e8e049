"""A browser without a page."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from urllib.parse import quote

import numpy as np


class Asking:
    """A browser without a page: answers as status, JSON and bytes."""

    def __init__(self, url):
        self.url = url

    def open(self, path, *, method="GET", headers=None, body=None):
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def json(self, path, **parameters):
        query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in parameters.items())
        status, _, content = self.open(f"/api/{path}" + (f"?{query}" if query else ""))
        return status, json.loads(content)

    def get(self, path, **parameters):
        status, content = self.json(path, **parameters)
        assert status == 200, content
        return content

    def refuses(self, path, **parameters):
        """Code of a refusal, which is always a sentence."""
        status, content = self.json(path, **parameters)
        assert status >= 400
        assert content["error"].endswith(".")
        return content["code"]

    def frames(self):
        """Frames by name, once all headers were read."""
        while (listed := self.get("frames"))["scanning"]:
            pass
        return {frame["name"]: frame for frame in listed["frames"]}

    def tile(self, frame_id, plane="data", level=0, row=0, column=0, *, query=""):
        status, headers, content = self.open(
            f"/api/frames/{frame_id}/tile/{plane}/{level}/{row}/{column}{query}"
        )
        assert status == 200, content
        shape = tuple(int(size) for size in headers["X-Shape"].split(","))
        return np.frombuffer(content, np.dtype(headers["X-Dtype"]).newbyteorder("<")).reshape(shape)
