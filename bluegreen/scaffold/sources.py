"""The source files of modules: the main class, and the handlers that answer paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bluegreen.scaffold.gradle_script import closing, without_comments
from bluegreen.scaffold.module import Module, read

_ENDINGS = (".java", ".kt", ".groovy")
_MAIN = re.compile(r"\bstatic\s+(?:final\s+)?(?:void\s+)?main\s*\(|\bfun\s+main\s*\(")
_STARTS_SPRING = re.compile(
    r"@SpringBootApplication\b|\bSpringApplication\b|\bSpringApplicationBuilder\b|\brunApplication\b"
)
# A handler that answers which slot it is in: the active profile, or the port.
_ANSWERS_PROFILE = re.compile(r"getActiveProfiles|\bactiveProfiles\b|spring\.profiles\.active")
_ANSWERS_PORT = re.compile(r"\$\{(?:local\.)?server\.port|[\"'](?:local\.)?server\.port[\"']")
# A file without these has nothing to find. Large repositories have thousands of files.
_OF_INTEREST = (
    *(" main", "SpringBootServletInitializer", "Mapping", "GET(", "addPathPrefix"),
    *("ctiveProfiles", ".profiles.active", "server.port"),
)
_TYPE = re.compile(r"\b(?:class|interface|object|record)\s+\w+")
_MAPPING = re.compile(r"@(RequestMapping|GetMapping)\b")
_OTHER_MAPPING = re.compile(r"@(?:Post|Put|Patch|Delete)Mapping\b")
_ROUTE = re.compile(r"\bGET\(\s*(\"[^\"\n]*\")")
_ATTRIBUTE = re.compile(r"\b(\w+)\s*=(?!=)")
_CONSTANT = re.compile(r"\b(?:String|val)\s+([A-Za-z_]\w*)\s*(?::\s*String\s*)?=\s*([^;\n]+)")

# A path that is not plain text in the source is None.
_Paths = tuple[str | None, ...]


@dataclass(frozen=True)
class Handler:
    """A method that answers GET requests.

    Args:
        path: as the sources map it, without a context path; None if it is not plain text there.
        answers_profile: whether its own text reads the active profiles.
        answers_port: whether its own text reads the server's port.
        in_file_of_profiles: whether its file reads the active profiles.
    """

    path: str | None
    answers_profile: bool
    answers_port: bool
    in_file_of_profiles: bool


@dataclass(frozen=True)
class Sources:
    """The source files of modules.

    Args:
        modules: the names of the modules.
        files: how many files were read.
        main: the class that starts Spring Boot, or any other with a `main`; None if there is none.
        starts_spring: whether that class starts Spring Boot.
        handlers: the methods that answer GET requests.
        reads_profiles: whether any file reads the active profiles.
        prefix: the prefix that the sources themselves add to all paths; empty if they add none.
    """

    modules: tuple[str, ...]
    files: int
    main: str | None
    starts_spring: bool
    handlers: tuple[Handler, ...]
    reads_profiles: bool
    prefix: str


def read_sources(modules: Iterable[Module]) -> Sources:
    """The sources of modules, of which the first is the application."""
    modules = tuple(modules)
    written = {file: read(file) for module in modules for file in _files(module)}
    texts = {file: without_comments(text) for file, text in written.items() if _is_of_interest(text)}
    own = {file: texts[file] for file in _files(modules[0]) if file in texts}
    mains = [file for file, text in own.items() if _MAIN.search(text)]
    # A servlet container starts a war without a `main`.
    is_war = modules[0].jar.endswith(".war")
    starts = [file for file, text in own.items() if is_war and "SpringBootServletInitializer" in text]
    spring = [file for file in mains if _STARTS_SPRING.search(own[file])] or starts
    main = next(iter(spring or mains), None)
    constants = _constants(written.values())
    prefixes = [
        value
        for text in texts.values()
        for each in re.findall(r"\baddPathPrefix\(\s*([^,\n]+)", text)
        if (value := _value(each, constants)) is not None
    ]
    return Sources(
        modules=tuple(module.name for module in modules),
        files=len(written),
        main=_class_name(main, texts[main]) if main else None,
        starts_spring=bool(spring),
        handlers=tuple(each for text in texts.values() for each in _handlers(text, constants)),
        reads_profiles=any(_ANSWERS_PROFILE.search(text) for text in texts.values()),
        prefix=prefixes[0] if prefixes else "",
    )


def _is_of_interest(text: str) -> bool:
    return any(word in text for word in _OF_INTEREST)


def _files(module: Module) -> list[Path]:
    return sorted(
        {
            file
            for folder in module.sources
            if folder.is_dir()
            for file in folder.rglob("*")
            if file.suffix in _ENDINGS and "test" not in file.relative_to(folder).parts
        }
    )


def _class_name(file: Path, text: str) -> str:
    package = re.search(r"^\s*package\s+([\w.]+)", text, re.MULTILINE)
    # Kotlin puts a `main` that is outside of a class into a class of the file's name and Kt.
    name = f"{file.stem}Kt" if file.suffix == ".kt" and not re.search(r"@JvmStatic", text) else file.stem
    return f"{package[1]}.{name}" if package else name


def _constants(texts: Iterable[str]) -> Mapping[str, str]:
    """The text that each constant is set to, as it is written."""
    return {
        name: value
        for text in texts
        if '"/' in text or "Mapping" in text
        for name, value in _CONSTANT.findall(text)
        if '"' in value
    }


def _handlers(text: str, constants: Mapping[str, str]) -> Iterator[Handler]:
    if "@FeignClient" in text:
        # Its methods are requests to another server.
        return
    of_profiles = bool(_ANSWERS_PROFILE.search(text))
    above: _Paths = ("",)
    pending: _Paths | None = None
    patterns = (_TYPE, _MAPPING, _OTHER_MAPPING, _ROUTE)
    marks = [found for pattern in patterns for found in pattern.finditer(text)]
    marks.sort(key=lambda found: found.start())
    for number, mark in enumerate(marks):
        following = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        if mark.re is _TYPE:
            # An annotation directly above a type is for all of its methods.
            above, pending = (pending or ("",)), None
            continue
        if mark.re is _OTHER_MAPPING:
            continue
        if mark.re is _ROUTE:
            paths: _Paths = (mark[1].strip('"'),)
            end = mark.end()
        else:
            paths, end = _mapped(text, mark, constants)
            if (
                number + 1 < len(marks)
                and marks[number + 1].re is _TYPE
                and _is_above_type(text, end, following)
            ):
                pending = paths
                continue
        body = text[end:following]
        for start in above:
            for path in paths:
                yield Handler(
                    path=None if start is None or path is None else joined(start, path),
                    answers_profile=bool(_ANSWERS_PROFILE.search(body)),
                    answers_port=bool(_ANSWERS_PORT.search(body)),
                    in_file_of_profiles=of_profiles,
                )


def _is_above_type(text: str, end: int, start_of_type: int) -> bool:
    """Whether only other annotations and modifiers are between an annotation and a type."""
    between = text[end:start_of_type]
    while (annotation := re.search(r"@[\w.]+\s*\(", between)) is not None:
        between = between[: annotation.start()] + between[closing(between, annotation.end() - 1) :]
    return not re.search(r"[{};=()]", between)


def _mapped(text: str, mark: re.Match[str], constants: Mapping[str, str]) -> tuple[_Paths, int]:
    """The paths of a mapping annotation, and where the annotation ends; no path if it is not for GET."""
    bracket = re.compile(r"\s*\(").match(text, mark.end())
    if bracket is None:
        return ("",), mark.end()
    end = closing(text, bracket.end() - 1)
    attributes = _attributes(text[bracket.end() : end - 1])
    if (method := attributes.get("method")) and "GET" not in method:
        return (), end
    written = attributes.get("path") or attributes.get("value") or attributes.get("") or '""'
    return tuple(_value(each, constants) for each in _listed(written)), end


def _attributes(arguments: str) -> dict[str, str]:
    """The arguments of an annotation by name; the unnamed one has an empty name."""
    names = [*_ATTRIBUTE.finditer(_hidden(arguments))]
    ends = [*(name.start() for name in names), len(arguments)][1:]
    unnamed = arguments[: names[0].start()] if names else arguments
    named = {
        name[1]: arguments[name.end() : end].rstrip(", \n\t") for name, end in zip(names, ends, strict=True)
    }
    return {name: value for name, value in {"": unnamed, **named}.items() if value.strip()}


def _listed(values: str) -> Iterator[str]:
    """The items of `{"a", "b"}`, or the only one."""
    start = 0
    for comma in re.finditer(",", _hidden(values)):
        yield values[start : comma.start()]
        start = comma.end()
    yield values[start:]


def _hidden(text: str) -> str:
    """A text of the same length in which strings have no content."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"', lambda found: '"' + "_" * (len(found[0]) - 2) + '"', text)


def _value(expression: str, constants: Mapping[str, str], depth: int = 5) -> str | None:
    """The text that an expression means: strings and constants, joined by `+`; None if it means another."""
    parts = [part.strip() for part in re.sub(r"^[\s{\[]+|[\s}\]]+$", "", expression).split("+")]
    values: list[str] = []
    for part in parts:
        if re.fullmatch(r'"[^"]*"', part):
            values.append(part.strip('"'))
        elif re.fullmatch(r"[\w.]+", part) and depth:
            written = constants.get(part.rpartition(".")[2])
            value = None if written is None else _value(written, constants, depth - 1)
            if value is None:
                return None
            values.append(value)
        else:
            return None
    return "".join(values)


def joined(*parts: str) -> str:
    """A path made of parts, with one slash between them; empty if all are."""
    return "".join(f"/{stripped}" for part in parts if (stripped := part.strip("/")))
