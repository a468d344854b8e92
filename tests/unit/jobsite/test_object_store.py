"""OBJECT_STORE_URL: what it means, and what is refused."""

from pathlib import Path

import pytest

from jobsite.addresses import object_store
from jobsite.environment import BadVariable


def test_a_folder_is_a_path() -> None:
    assert object_store("file:///srv/with%20space") == {"folder": Path("/srv/with space")}


def test_a_bucket_has_a_prefix_an_endpoint_and_a_region() -> None:
    assert object_store("s3://files/a/b/?endpoint=http://127.0.0.1:8333/&region=eu-west-1") == {
        "bucket": "files",
        "prefix": "a/b",
        "endpoint": "http://127.0.0.1:8333",
        "region": "eu-west-1",
    }


def test_a_bucket_alone_is_one_of_amazon() -> None:
    assert object_store("s3://files") == {
        "bucket": "files",
        "prefix": "",
        "endpoint": "",
        "region": "us-east-1",
    }


@pytest.mark.parametrize(
    "url",
    [
        "file://folder",
        "file:///srv?region=x",
        "s3:///prefix",
        "s3://key:geheim@bucket/prefix",
        "s3://bucket?endpoint=s3.example.com",
        "s3://bucket?secret=geheim",
    ],
)
def test_what_cannot_be_used_is_refused_without_showing_a_secret(url: str) -> None:
    with pytest.raises(BadVariable, match="OBJECT_STORE_URL") as caught:
        object_store(url)

    assert "geheim" not in str(caught.value)
