"""The records that flow through the loop.

Conventions, everywhere: metres, world +z up, never rescaled; cameras in OpenCV axes (+x right, +y down,
+z forward); ``T_a_b`` maps coordinates in frame b to frame a; matrices are nested row tuples, so that records
compare, hash and serialise by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]
Mat3 = tuple[Vec3, Vec3, Vec3]
Vec4 = tuple[float, float, float, float]
Mat4 = tuple[Vec4, Vec4, Vec4, Vec4]

AnswerType = Literal["number", "choice", "ordering", "boolean"]
Unit = Literal["count", "m", "cm", "m2", "deg", "s"]
Status = Literal["accepted", "rejected"]
FramesOrigin = Literal["captured", "rendered"]
Band = Literal["easy", "frontier", "hard"]
BoxKind = Literal["annotated", "axis_aligned", "gravity", "free"]
"""How a box came about: given by the source, or fitted to the instance's points along the world axes, with one edge
vertical, or freely."""
LETTERS = "ABCDEFGHIJ"
"""Published answers of choices: the option's place as a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One annotated object: an oriented bounding box (OBB) with a category."""

    id: str
    category: str
    """Canonical lower-case category name, e.g. ``trash bin``."""
    center_m: Vec3
    extent_m: Vec3
    """Full edge lengths along the box's own axes."""
    R_world_object: Mat3
    """Columns are the box axes in world coordinates."""
    box_kind: BoxKind = "annotated"
    raw_label: str = ""
    """The source's own word for it, before it was mapped to ``category``."""
    nyu40: int | None = None
    """Class in the NYU40 list, where the source's label table has one."""
    point_count: int | None = None
    """Points of the scan that are labelled as this object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectView:
    """How much of a frame shows an object."""

    object_id: str
    pixel_share: float
    """Pixels that show the object, after occlusion / pixels of the frame, in (0, 1]."""
    projected_share: float | None = None
    """The same if nothing stood before it, at least ``pixel_share``; ``pixel_share / projected_share`` of it is unoccluded."""
    truncated_share: float | None = None
    """Share of its projection that falls outside the frame, in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFrame:
    """One posed frame of the scene's video."""

    id: str
    index: int
    """Frame number in the video, from 0."""
    time_s: float
    size_px: tuple[int, int]
    """Width, height."""
    K_px: Mat3
    T_world_camera: Mat4
    turn_deg: Literal[0, 90, 180, 270] = 0
    """Clockwise turn that brings the stored picture upright. Size, intrinsics and pose are those of the turned one."""
    views: tuple[ObjectView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Floor of the scanned space."""

    area_m2: float
    floor_polygon_m: tuple[Vec2, ...] = ()
    """Outline in world xy; empty where the source gives an area only."""
    height_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """The scene's pictures, relative to ``Scene.root``: a video file, a ``.sens`` stream, or a directory of images."""

    path: str
    sha256: str
    """Of the file; of a stream's or a directory's index (names and byte counts), whose pictures are too many to hash."""
    fps: float
    frame_count: int
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scan in the form that every stage reads."""

    id: str
    source: str
    space_id: str
    """The physical space: rescans of one room share it, and never cross a train/held-out border."""
    license: str
    frames_origin: FramesOrigin
    room: Room
    objects: tuple[SceneObject, ...]
    frames: tuple[CameraFrame, ...]
    video: Video | None = None
    root: str = ""
    """Directory of the media on this machine. Not part of the record's identity, never published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRef:
    """What an adapter lists before anything is loaded."""

    id: str
    source: str
    key: str
    """Content key: changes when the bytes behind the scene or the adapter's options do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a solver sees. There is no answer field, so no answer can reach a solver by way of it."""

    id: str
    scene_id: str
    frame_ids: tuple[str, ...]
    question_type: str
    text: str
    answer_type: AnswerType
    options: tuple[str, ...] = ()
    unit: Unit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Source text that derives the answer from the scene."""

    source: str
    api_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a model's reply became a draft."""

    turn: Literal["first", "repair", "resample"] = "first"
    """Whether it was the first reply, one that was told what was wrong with the first, or a second try."""
    fixes: tuple[str, ...] = ()
    """What was set right in the reply, by name, in the order in which it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposer's question with its program, not yet checked."""

    question: Question
    program: Program
    bin: str
    """Family and knob setting, ``question_type/knob``: the unit that feedback steers."""
    mentions: tuple[str, ...]
    """Categories the question's text names, canonical."""
    proposer: str
    seed: int
    witness: str = ""
    """Source of another program for the same question, from other hands, that has to give the same answer."""
    writing: Writing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """Something that a proposer asked for or got back and could not make into a draft: proposed, and rejected."""

    scene_id: str
    bin: str
    stage: str
    """``parse`` or ``brief``, as in `ouroboros_data.stages.gates.GATES`."""
    reason: str
    """Of that stage's closed list."""
    detail: str
    raw: str
    """What came back, cut to a bounded length."""
    proposer: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What a reviewer said of a row, once."""

    blind: bool | None
    """The answer can be had without looking; None where it did not say so that it could be read."""
    contradicted: bool | None
    """What is shown contradicts the answer."""
    said: str
    """Its own words on what is shown, cut to a bounded length."""
    said_blind: str = ""
    """Its own words on what can be had without looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A reviewer's votes on a row that passed all other gates."""

    reviewer: str
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A program's typed result. Only the sandbox host creates it."""

    type: AnswerType
    value: float | int | str | bool | tuple[str, ...]
    """Unrounded number; the option's text; the items in order; a boolean."""
    text: str
    """What is published and trained on: rounded number, option letter, ``yes``/``no``."""
    unit: Unit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a program touched while it ran."""

    object_ids: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome of the checks for one draft."""

    question_id: str
    status: Status
    stage: str = ""
    """Gate that rejected it; empty when accepted."""
    reason: str = ""
    """Short code from a closed list per stage, e.g. ``not_unique``."""
    detail: str = ""
    answer: Answer | None = None
    margin: float | None = None
    """Largest tested multiple of the annotation noise at which the answer still holds."""
    evidence: Evidence = field(default_factory=Evidence)
    review: Review | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """Score of one ground-truth answer under one checkpoint."""

    question_id: str
    p: float
    """exp(mean log-probability of the answer's tokens), ``<eos>`` left out."""
    n_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What a checkpoint knew about a sample before it was trained on it."""

    question_id: str
    solver: str
    """Digest of the checkpoint's weights."""
    confidence: float
    blind_confidence: float
    """The same without frames."""
    elsewhere_confidence: float
    """The same with another scene's frames: unlike ``blind_confidence`` it cannot be low for the prompt's form alone."""
    band: Band
    train_confidence: float | None = None
    """Read from the SFT forward pass, at the step that trained on the sample; None if not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An accepted draft with everything a published row needs."""

    draft: Draft
    verdict: Verdict
    iteration: int
    scene_source: str
    space_id: str
    scene_sha256: str
    frames_origin: FramesOrigin
    frame_times_s: tuple[float, ...]
    sample_fps: float
    probe: ProbeResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen iteration of the curriculum."""

    id: str
    """Hash of the row files and of the parent's id."""
    parent: str | None
    iteration: int
    rows: int
    files: Mapping[str, str]
    """Relative path to sha256."""
