"""Pictures arrive as they were; files are sent only from below the roots, whatever links and dots say."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving import Server, good
from PIL import Image as Pillow
from test_openai_chat import client

from ouroboros_data.ids import rng
from ouroboros_data.models.chat import ChatMessage, ChatRequest, FilePart, ImagePart, TextPart, VideoPart
from ouroboros_data.models.chat_media import MediaError, encoded, read_file, scaled

PICTURE = rng("chat media").integers(0, 256, (20, 30, 3), dtype=np.uint8)


def decoded(url: str) -> Any:
    head, _, data = url.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(data, validate=True))))


def sent(part: Any, **options: Any) -> Any:
    """The content of the message as the server got it, or the failure."""
    request = ChatRequest(messages=(ChatMessage(role="user", parts=(TextPart(text="id=a"), part)),))
    with Server(good) as server:
        (outcome,) = client(server, **{"takes_images": True, "image_format": "png", **options}).chat(
            [request]
        )
    return server.seen[0].body["messages"][0]["content"] if server.seen else outcome


def test_a_picture_arrives_as_it_was() -> None:
    text, picture = sent(ImagePart(image=PICTURE))
    assert text == {"type": "text", "text": "id=a"}
    assert picture["type"] == "image_url"
    assert np.array_equal(decoded(picture["image_url"]["url"]), PICTURE)


def test_jpeg_keeps_the_channels_and_the_sides() -> None:
    picture = np.zeros((16, 32, 3), np.uint8)
    picture[:, :16] = (250, 10, 10)
    picture[:, 16:] = (10, 10, 250)
    got = decoded(sent(ImagePart(image=picture), image_format="jpeg")[1]["image_url"]["url"])
    assert got.shape == (16, 32, 3)
    assert np.abs(got[8, 4].astype(int) - (250, 10, 10)).max() < 12
    assert np.abs(got[8, 28].astype(int) - (10, 10, 250)).max() < 12


def test_large_pictures_are_scaled_down_and_small_ones_left() -> None:
    got = decoded(sent(ImagePart(image=PICTURE), max_image_pixels=150)[1]["image_url"]["url"])
    assert got.shape == (10, 15, 3)
    assert scaled(PICTURE, 600) is PICTURE
    assert scaled(np.zeros((1, 5000, 3), np.uint8), 10).shape[0] == 1


def test_a_video_goes_as_frames_each_after_its_time() -> None:
    content = sent(VideoPart(frames=(PICTURE, 255 - PICTURE), times_s=(0.0, 2.54)))
    assert [piece["type"] for piece in content] == ["text", "text", "image_url", "text", "image_url"]
    assert [content[1]["text"], content[3]["text"]] == ["0.0 s:", "2.5 s:"]
    assert np.array_equal(decoded(content[4]["image_url"]["url"]), 255 - PICTURE)


def test_a_video_goes_as_one_url_where_the_server_takes_that() -> None:
    _, video = sent(VideoPart(frames=(PICTURE, 255 - PICTURE), times_s=(0.0, 2.5)), video="video_url")
    head, *frames = video["video_url"]["url"].split(",")
    assert head == "data:video/jpeg;base64" and len(frames) == 2
    assert Pillow.open(io.BytesIO(base64.b64decode(frames[1]))).size == (30, 20)


@pytest.mark.parametrize(
    "part",
    [
        ImagePart(image=PICTURE[:, :, 0]),
        ImagePart(image=PICTURE.astype(np.float32)),  # type: ignore[arg-type]  # what this is about
        ImagePart(image=PICTURE[:0]),
        VideoPart(frames=(PICTURE,), times_s=()),
        VideoPart(frames=(), times_s=()),
    ],
)
def test_what_is_no_picture_is_not_sent(part: Any) -> None:
    outcome = sent(part)
    assert (outcome.reason, outcome.attempts) == ("media", 0)


def test_a_model_without_eyes_is_shown_nothing() -> None:
    outcome = sent(ImagePart(image=PICTURE), takes_images=False)
    assert outcome.reason == "media" and "takes_images" in outcome.detail


@pytest.fixture()
def tree(tmp_path: Path) -> Path:
    """Two directories: ``media`` is allowed, ``private`` is not."""
    for name in ("media/deep", "private", "media2"):
        (tmp_path / name).mkdir(parents=True)
    png = encoded(PICTURE, "png").data
    for name in ("media/a.png", "media/deep/b.png", "private/secret.png", "media2/c.png"):
        (tmp_path / name).write_bytes(png)
    (tmp_path / "media/out.png").symlink_to(tmp_path / "private/secret.png")
    (tmp_path / "media/up").symlink_to("..")
    (tmp_path / "media/in.png").symlink_to("deep/b.png")
    (tmp_path / "media/loop").symlink_to("loop")
    (tmp_path / "media/passwd.png").write_text("root:x:0:0:root")
    os.mkfifo(tmp_path / "media/pipe.png")
    return tmp_path


@pytest.mark.parametrize("name", ["a.png", "deep/b.png", "in.png", "deep/../a.png", "up/media/a.png"])
def test_files_below_a_root_are_read(tree: Path, name: str) -> None:
    file = read_file(tree / "media" / name, [tree / "media"])
    assert file.mime == "image/png"
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(file.data))), PICTURE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.png", "allowed root"),
        ("../private/secret.png", "allowed root"),
        ("up/private/secret.png", "allowed root"),
        ("../media2/c.png", "allowed root"),  # shares the first letters of the root's name
        ("none.png", "cannot be read"),
        ("loop", "cannot be read"),
        ("pipe.png", "not a regular file"),
        ("deep", "cannot be read: Is a directory"),
        ("passwd.png", "neither JPEG, PNG nor MP4"),
    ],
)
def test_all_others_are_refused(tree: Path, name: str, words: str) -> None:
    with pytest.raises(MediaError, match=words) as caught:
        read_file(tree / "media" / name, [tree / "media"])
    assert str(tree) not in str(caught.value)
    outcome = sent(FilePart(path=tree / "media" / name), media_roots=[str(tree / "media")])
    assert outcome.reason == "media" and outcome.attempts == 0


def test_without_roots_no_file_is_read_and_large_ones_never(tree: Path) -> None:
    with pytest.raises(MediaError, match="allowed root"):
        read_file(tree / "media/a.png", [])
    with pytest.raises(MediaError, match="more than 10"):
        read_file(tree / "media/a.png", [tree], max_bytes=10)


def test_a_root_that_is_a_link_is_where_it_leads(tree: Path) -> None:
    (tree / "link").symlink_to("media")
    assert read_file(tree / "media/a.png", [tree / "link"]).mime == "image/png"
    assert read_file(tree / "link/a.png", [tree / "media"]).mime == "image/png"


def test_files_go_by_what_they_are(tree: Path) -> None:
    (tree / "media/film.png").write_bytes(b"\0\0\0\x18ftypmp42 and so on")
    _, video = sent(FilePart(path=tree / "media/film.png"), media_roots=[str(tree / "media")])
    assert video["video_url"]["url"].startswith("data:video/mp4;base64,")
