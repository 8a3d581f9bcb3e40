"""What the next JVM is given, and the findings about what it would lack (cases 06 and 07)."""

from __future__ import annotations

import base64
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bluegreen import config
from bluegreen.check import application, startup
from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Level, Step
from bluegreen.config import Settings
from bluegreen.errors import Failed
from bluegreen.host import launch, slots
from bluegreen.host.command_line import shown
from bluegreen.host.facts import Facts
from bluegreen.host.jvm import Jvm, read
from bluegreen.host.workdir import Source, planned
from bluegreen.jar import spring_config
from bluegreen.jar.profiles import Brings, Document, Profiles, active_with, inactive, profiles
from bluegreen.rollout import preflight
from tests.support.states import JAR, healthy, settings_of, with_diagnosis, with_jar, with_slot

BASE = "/home/ubuntu/taggle"
PROD = Document("application-prod.yml", ("prod",))
BY_HAND = Jvm("/home/ubuntu/app", ("java", "-jar", "-Dspring.profiles.active=prod1", "app.jar"), ())


def settings(folder: Path, java: str = "") -> Settings:
    file = folder / "config.yml"
    file.write_text(f"app: taggle\n{java}\nhosts: {{prod: {{address: h, user: ubuntu}}}}\n")
    return config.load(file).host(None)


def found(folder: Path, files: dict[str, str]) -> Profiles:
    """What a jar with these files says of profiles."""
    path = folder / "app.jar"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"BOOT-INF/classes/{name}", text)
    with zipfile.ZipFile(path) as archive:
        return profiles(spring_config.read(archive))


def one(findings: object) -> Finding:
    (finding,) = list(findings)  # type: ignore[call-overload]
    assert isinstance(finding, Finding)
    return finding


# --- the command line ----------------------------------------------------------------------------------


def test_a_jvm_gets_the_slots_profile_first_and_those_of_config(tmp_path: Path) -> None:
    options = "['-Da=1{port}', '-Db={slot}', '-Dc={other}']"
    java = f"java: {{profiles: [prod, eu], options: {options}, args: ['--x={{port}}']}}"
    words = launch.command(settings(tmp_path, java), "prod2", "r1")
    assert "-Dspring.profiles.active=prod2,prod,eu" in words
    assert words[1:4] == ["-Da=18082", "-Db=prod2", "-Dc={other}"]
    assert words[-3:] == ["-jar", f"{BASE}/releases/r1/app.jar", "--x=8082"]


@pytest.mark.parametrize(
    "option",
    [
        "-agentlib:jdwp=transport=dt_socket,server=n,address=5005",
        "-agentlib:jdwp=transport=dt_socket,server=y,address=0",
        "-agentlib:jdwp=transport=dt_socket,server=y",
        "-javaagent:/opt/apm.jar=service.name=shop",
        "-javaagent:/opt/apm.jar",
        "-Dcom.sun.management.jmxremote.port={slot}",
        "-javaagent:/opt/jacoco.jar=output=tcpclient,address=ci.example,port=6300",
        "-javaagent:/opt/jacoco.jar=output=tcpserver,port=1{port}",
        "-javaagent:/opt/sky.jar=collector=oap.example:11800",
        "-javaagent:/opt/apm.jar=server_port=8200",
        "-agentpath:/opt/libyjpagent.so=port=10001-10010",
        "-agentpath:/opt/libjdwp.so=server=y,address=1{port}",
        "-Dmanagement.server.port=1{port}",
        "-Dmanagement.server.port=0",
        "-Dmail.server.port=25",
    ],
)
def test_an_option_that_opens_no_port_of_both_slots_is_accepted(option: str, tmp_path: Path) -> None:
    assert settings(tmp_path, f"java: {{options: ['{option}']}}").java.options == (option,)


# --- the profiles of a jar -----------------------------------------------------------------------------


def test_the_profiles_of_a_jar_are_those_of_its_files_and_documents(tmp_path: Path) -> None:
    jar = found(
        tmp_path,
        {
            "application.yml": "a: 1\n---\nspring.config.activate.on-profile: prod & !cloud\nb: 2\n",
            "application-eu.yml": "c: 3\n",
            "config/application-us.properties": "d=4\n",
            "application-old.yml": "spring: {profiles: old}\n",
        },
    )
    assert set(inactive(jar.documents, ())) == {"prod", "eu", "us", "old"}
    assert set(inactive(jar.documents, ("prod", "cloud"))) == {"eu", "us", "old"}


def test_groups_and_includes_make_profiles_active(tmp_path: Path) -> None:
    jar = found(
        tmp_path,
        {
            "application.yml": "spring.profiles: {include: common, group: {prod1: [prod, db]}}\n",
            "application-db.yml": "spring.profiles.include: pool\n",
        },
    )
    assert set(active_with(jar, ["prod1"])) == {"common", "prod1", "prod", "db", "pool"}
    assert set(active_with(jar, ["prod2"])) == {"common", "prod2"}


# --- the finding about profiles ------------------------------------------------------------------------


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return healthy(settings_of(tmp_path))


def _with_settings(evidence: Evidence, java: str, folder: Path) -> Evidence:
    return replace(evidence, state=replace(evidence.state, settings=settings(folder, java)))


def test_case_07_settings_for_production_that_would_not_be_active_stop_the_start(evidence: Evidence) -> None:
    jar = replace(JAR, profiles=Profiles((PROD, Document("application-dev.yml", ("dev",)))))
    finding = one(startup.profiles(replace(evidence, jar=jar)))
    assert (finding.level, finding.stops) == (Level.FAILURE, (Step.FORWARD,))
    assert "java: {profiles: [prod]}" in finding.remedy
    assert "dev" not in finding.remedy


@pytest.mark.parametrize("java", ["java: {profiles: [prod]}", "java: {profiles: []}"])
def test_a_choice_in_config_settles_the_profiles(java: str, evidence: Evidence, tmp_path: Path) -> None:
    jar = replace(JAR, profiles=Profiles((PROD,)))
    finding = one(startup.profiles(_with_settings(replace(evidence, jar=jar), java, tmp_path)))
    assert finding.level is Level.OK


def test_a_profile_that_a_slots_group_brings_is_active(evidence: Evidence) -> None:
    groups = (Brings(("prod",), ("prod1",)), Brings(("prod",), ("prod2",)))
    jar = replace(JAR, profiles=Profiles((PROD,), groups))
    assert one(startup.profiles(replace(evidence, jar=jar))).level is Level.OK


def test_a_profile_of_the_jvm_that_serves_is_not_lost_silently(evidence: Evidence, tmp_path: Path) -> None:
    old = Jvm("/x", ("java", "-jar", "app.jar"), ("SPRING_PROFILES_ACTIVE=mysql,prod1",))
    before = with_diagnosis(evidence, jvms={evidence.state.live or "": old})
    finding = one(startup.profiles(before))
    assert (finding.level, finding.stops) == (Level.FAILURE, (Step.FORWARD,))
    assert "java: {profiles: [mysql]}" in finding.remedy
    chosen = one(startup.profiles(_with_settings(before, "java: {profiles: []}", tmp_path)))
    assert chosen.level is Level.WARNING


def test_a_file_beside_the_jar_counts_as_one_in_it(evidence: Evidence) -> None:
    beside = with_diagnosis(evidence, config_files={"prod": "/home/ubuntu/app/config/application-prod.yml"})
    finding = one(startup.profiles(with_jar(beside)))
    assert "/home/ubuntu/app/config/application-prod.yml" in finding.text
    assert finding.stops == (Step.FORWARD,)


@pytest.mark.parametrize(
    "text",
    [
        "spring.config.activate.on-profile: prod | prod1 | prod2\na: 1\n",
        "spring.config.activate.on-profile: [prod, prod1, prod2]\na: 1\n",
        "spring.profiles: prod,prod1,prod2\na: 1\n",
        "spring.config.activate.on-profile: prod1 | prod\na: 1\n---\n"
        "spring.config.activate.on-profile: prod | prod2\nb: 1\n",
        "spring.config.activate.on-profile: '!(dev | prod)'\na: 1\n",
        "spring.config.activate.on-profile: '!prod'\na: 1\n",
        "spring.profiles.include: cloud\n---\nspring.config.activate.on-profile: prod & !cloud\na: 1\n",
        "spring.profiles.group: {prod1: prod, prod2: prod}\n---\n"
        "spring.config.activate.on-profile: prod & (prod1 | prod2)\na: 1\n",
        "spring.profiles.group: {'[prod1]': prod, '[prod2]': prod}\n---\n"
        "spring.config.activate.on-profile: prod\na: 1\n",
        "spring.config.activate.on-profile: prod1 | prod2\nspring.profiles.include: prod\n---\n"
        "spring.config.activate.on-profile: prod\na: 1\n",
    ],
)
def test_settings_for_production_that_are_in_force_in_both_slots_stop_nothing(
    text: str, evidence: Evidence, tmp_path: Path
) -> None:
    jar = replace(JAR, profiles=found(tmp_path, {"application.yml": text}))
    assert one(startup.profiles(replace(evidence, jar=jar))).level is Level.OK


@pytest.mark.parametrize(
    "text",
    [
        "spring.config.activate.on-profile: prod | prod1\na: 1\n",
        "spring.config.activate.on-profile: '!prod'\na: 1\n---\n"
        "spring.config.activate.on-profile: prod\na: 1\n",
        "spring.config.activate.on-profile: '!(!prod)'\na: 1\n",
        "spring.config.activate.on-profile: prod & !(dev | prod3)\na: 1\n",
        "spring.config.activate.on-profile: prod & (prod1 | prod2)\na: 1\n",
    ],
)
def test_settings_for_production_that_a_slot_would_not_have_stop_the_deploy(
    text: str, evidence: Evidence, tmp_path: Path
) -> None:
    jar = replace(JAR, profiles=found(tmp_path, {"application.yml": text}))
    finding = one(startup.profiles(replace(evidence, jar=jar)))
    assert (finding.level, finding.stops) == (Level.FAILURE, (Step.FORWARD,))
    assert "java: {profiles: [prod]}" in finding.remedy


@pytest.mark.parametrize(
    "lines",
    [
        "env: {SPRING_PROFILES_INCLUDE: 'eu,prod'}",
        "env: {spring_profiles_include: prod}",
        "env: {SPRING_PROFILES_INCLUDE_0: prod}",
        "env: {JAVA_TOOL_OPTIONS: '-Xmx1g -Dspring.profiles.include=prod'}",
        "java: {options: [-Dspring.profiles.include=prod]}",
        "java: {options: ['-Dspring.profiles.include[0]=eu', '-Dspring.profiles.include[1]=prod']}",
        "java: {args: ['--spring.profiles.include=eu', '--spring.profiles.include=prod']}",
    ],
)
def test_a_profile_that_config_includes_is_active(lines: str, evidence: Evidence, tmp_path: Path) -> None:
    jar = replace(JAR, profiles=Profiles((PROD,)))
    assert (
        one(startup.profiles(_with_settings(replace(evidence, jar=jar), lines, tmp_path))).level is Level.OK
    )


@pytest.mark.parametrize(
    "lines",
    [
        "java: {options: [-Dspring.profiles.include=prod, -Dspring.profiles.include=eu]}",
        "java: {args: ['-Dspring.profiles.include=prod']}",
        "java: {options: ['-Dspring.profiles.include={slot}-db']}",
    ],
)
def test_a_profile_that_config_only_seems_to_include_is_not(
    lines: str, evidence: Evidence, tmp_path: Path
) -> None:
    jar = replace(JAR, profiles=Profiles((PROD,)))
    finding = one(startup.profiles(_with_settings(replace(evidence, jar=jar), lines, tmp_path)))
    assert finding.level is Level.FAILURE


def test_profiles_never_stop_a_way_back(evidence: Evidence) -> None:
    old = replace(BY_HAND, environment=("SPRING_PROFILES_ACTIVE=mysql",), words=("java", "-jar", "app.jar"))
    lost = with_diagnosis(replace(evidence, jar=None), jvms={evidence.state.live or "": old})
    beside = with_diagnosis(replace(evidence, jar=None), config_files={"prod": "/x/application-prod.yml"})
    for each in (lost, beside):
        assert preflight.require(each, preflight.BACK_FROM_COLD) == ()
        with pytest.raises(Failed):
            preflight.require(each, preflight.DEPLOY)


# --- the profiles of a JVM that runs -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "environment", "active"),
    [
        ("-jar app.jar", "SPRING_PROFILES_ACTIVE=a,b", "a b"),
        ("-Dspring.profiles.active=a -jar app.jar", "SPRING_PROFILES_ACTIVE=b", "a"),
        ("-jar -Dspring.profiles.active=a app.jar", "SPRING_PROFILES_ACTIVE=b", "a"),
        (
            "-Dspring.profiles.active=a -jar app.jar --spring.profiles.active=c",
            "SPRING_PROFILES_ACTIVE=b",
            "c",
        ),
        ("-jar app.jar --spring.profiles.active=", "SPRING_PROFILES_ACTIVE=b", ""),
        ("-jar app.jar --spring.profiles.active=a --spring.profiles.active=b", "", "a b"),
        ("-Dspring.profiles.active=a -Dspring.profiles.active=b -jar app.jar", "", "b"),
        ("-jar app.jar -Dspring.profiles.active=a", "", ""),
        (
            "-Dspring.profiles.active=a -jar app.jar --spring.profiles.include=c",
            "spring_profiles_include=b",
            "a c b",
        ),
        ("-cp x:y -Dspring.profiles.active=a com.shop.Main --spring.profiles.include=c", "", "a c"),
    ],
)
def test_the_profiles_of_a_jvm_are_those_that_spring_makes_active(
    words: str, environment: str, active: str
) -> None:
    jvm = Jvm("/x", ("java", *words.split()), tuple(environment.split()))
    assert jvm.profiles == tuple(active.split())


def test_options_and_arguments_of_a_jvm_are_told_apart_by_its_program() -> None:
    words = ("java", "-jar", "-Xmx1g", "-cp", "a:b", "app.jar", "--x=1", "-jar", "y")
    jvm = Jvm("/x", words, ())
    assert (jvm.options, jvm.args) == (("-Xmx1g", "-cp", "a:b"), ("--x=1", "-jar", "y"))
    assert Jvm("/x", ("java", "-Xmx1g", "-jar", "app.jar"), ()).options == ("-Xmx1g",)


# --- options, arguments, variables ---------------------------------------------------------------------


def test_what_the_jvm_that_serves_has_and_the_new_one_has_not_is_listed_without_secrets(
    evidence: Evidence,
) -> None:
    old = Jvm(
        "/home/ubuntu/app",
        (
            *(
                "java",
                "-Xmx2g",
                "-Duser.timezone=Asia/Seoul",
                "-Dspring.profiles.active=prod1",
                "-jar",
                "app.jar",
            ),
            *("--server.port=8081", "--spring.datasource.password=hunter2", "--db=jdbc://u:hunter2@h/db"),
        ),
        ("SPRING_DATASOURCE_URL", "PATH", "JAVA_TOOL_OPTIONS"),
    )
    listed = list(startup.options(with_diagnosis(evidence, jvms={evidence.state.live or "": old})))
    text = "\n".join(finding.text for finding in listed)
    assert all(finding.level is Level.WARNING for finding in listed)
    assert all(word in text for word in ("-Xmx2g", "-Duser.timezone=Asia/Seoul", "SPRING_DATASOURCE_URL"))
    assert "hunter2" not in text
    assert "--spring.datasource.password=…" in text
    assert "server.port" not in text
    assert "PATH" not in text


def test_of_a_jvm_of_bluegreen_nothing_is_listed(evidence: Evidence) -> None:
    ours = Jvm("/x", ("java", "-Xmx9g", "-Dbluegreen.app=taggle", "-jar", "app.jar"), ())
    assert list(startup.options(with_diagnosis(evidence, jvms={evidence.state.live or "": ours}))) == []


def test_words_of_a_command_line_keep_their_blanks() -> None:
    jvms = read(Facts(["jvm.prod1.words amF2YQotRGE9YiBjCi1qYXIKYXBwLmphcg=="]), {"prod1": 1, "prod2": 2})
    assert jvms["prod1"].words == ("java", "-Da=b c", "-jar", "app.jar")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["--spring.datasource.url=jdbc:mysql://db/shop?user=a&password=hunter2"],
            "--spring.datasource.url=…",
        ),
        (['--spring.application.json={"password": "hunter2"}'], "--spring.application.json=…"),
        (["-Ddb.pwd=hunter2"], "-Ddb.pwd=…"),
        (["-Dapi.token=hunter2\nhunter2"], "-Dapi.token=…"),
        (["--password", "hunter2", "hunter2"], "--password …"),
        (["-phunter2"], "…"),
        (["-phunter2=x"], "…"),
        (["--a[0]=hunter2"], "--a[0]=…"),
        (["DB_PASSWORD=hunter2"], "…"),
        (["-Duser.timezone=https://a:hunter2@h"], "-Duser.timezone=…"),
        (["-javaagent:/opt/apm.jar=secret_token=hunter2"], "-javaagent:/opt/apm.jar=…"),
        (["-XX:OnError=curl -u a:hunter2 h"], "-XX:OnError=…"),
        (["\x1b[31m"], "…"),
    ],
)
def test_p10_a_value_of_a_command_line_is_not_shown(words: list[str], text: str) -> None:
    assert shown(["java", *words, "-jar", "/srv/app.jar"]) == f"java {text} -jar /srv/app.jar"
    assert shown(["java", "-jar", "/srv/app.jar", *words]) == f"java -jar /srv/app.jar {text}"


def test_what_is_harmless_in_a_command_line_is_shown(tmp_path: Path) -> None:
    options = [
        "-Xmx2g",
        "-Xss512k",
        "-XX:+UseG1GC",
        "-XX:MaxRAMPercentage=75.0",
        "-Xlog:gc*:file=/var/log/gc.log",
    ]
    options += ["-Duser.timezone=Asia/Seoul", "-Dfile.encoding=UTF-8", "-Dspring.profiles.include=eu,db"]
    chosen = settings(tmp_path, f"java: {{options: {options}}}")
    words = launch.command(chosen, "prod2", "r1")
    assert shown(words) == " ".join(words)


@pytest.mark.parametrize("slot", ["prod1", "prod2"])
def test_p10_a_process_on_a_port_is_shown_without_its_values(slot: str, evidence: Evidence) -> None:
    command = ("java", "-Ddb.pwd=hunter2", "-jar", "app.jar", "--password", "hunter2")
    held = with_slot(evidence, slot, owner="77", pid=None, ours=False, command=command)
    text = "\n".join(finding.text for finding in application.ports(held))
    assert "java -Ddb.pwd=… -jar app.jar --password …" in text
    assert "hunter2" not in text


def test_the_words_of_the_process_on_a_port_are_read_apart(tmp_path: Path) -> None:
    words = base64.b64encode(b"java\n-Dname=a b\n").decode()
    facts = Facts(["slot.prod1.owner =77", f"slot.prod1.command {words}"])
    assert slots.read(facts, settings(tmp_path))["prod1"].command == ("java", "-Dname=a b")


# --- the working directory -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "folder", "source", "adopted"),
    [
        ([], "/home/ubuntu/app", Source.TAKEN_OVER, "/home/ubuntu/app"),
        ([], "/", Source.TAKEN_OVER, "/"),
        ([], f"{BASE}/releases/r1", Source.NEW, ""),
        (["workdir.strays.r1 =uploads"], f"{BASE}/releases/r1", Source.NEW, ""),
        (["base.is =/mnt/data/x"], "/mnt/data/x/releases/r1", Source.NEW, ""),
        ([], "/home/ubuntu/app (deleted)", Source.NEW, ""),
        ([], "", Source.NEW, ""),
        ([f"workdir.is ={BASE}/shared"], "/home/ubuntu/app", Source.PRESENT, ""),
    ],
)
def test_the_working_directory_is_where_the_application_ran_so_far(
    lines: list[str], folder: str, source: Source, adopted: str, tmp_path: Path
) -> None:
    workdir = planned(Facts(lines), settings(tmp_path), {"prod1": replace(BY_HAND, folder=folder)}, "prod1")
    assert (workdir.source, workdir.adopted) == (source, adopted)
    assert workdir.path == f"{BASE}/shared"


def test_a_working_directory_of_config_takes_nothing_over(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "java: {workdir: /srv/<app>}")
    workdir = planned(Facts([]), chosen, {"prod1": BY_HAND}, "prod1")
    assert (workdir.path, workdir.adopted) == ("/srv/taggle", "")
    assert workdir.elsewhere == {"prod1": "/home/ubuntu/app"}


OURS = Jvm("/srv/old", ("java", "-Dbluegreen.app=taggle", "-jar", "app.jar"), ())
WRITABLE = "workdir.writable =yes"


@pytest.mark.parametrize(
    ("lines", "jvm", "text", "remedy"),
    [
        ([WRITABLE], replace(BY_HAND, folder=""), "cannot be read", "java: {workdir: FOLDER}"),
        (["workdir.is =/srv/new", WRITABLE], OURS, "without the files there", "java: {workdir: /srv/old}"),
        (
            [],
            replace(OURS, folder=f"{BASE}/releases/r1"),
            "may not write",
            f"sudo install -d -o ubuntu {BASE}/shared",
        ),
        (["workdir.lost =/gone", WRITABLE], OURS, "a link to /gone, which is not there", "ln -sfn FOLDER"),
        ([], replace(BY_HAND, folder="/tmp/app"), "PrivateTmp", "java: {workdir: FOLDER}"),
        ([], replace(BY_HAND, folder="/usr/local/app"), "ProtectSystem", "java: {workdir: FOLDER}"),
        (
            [WRITABLE, "workdir.apart =yes", "workdir.strays.r1 =uploads"],
            replace(OURS, folder=f"{BASE}/releases/r1"),
            "r1: uploads",
            "--force working-directory",
        ),
    ],
)
def test_a_working_directory_without_the_files_of_the_application_stops_the_start(
    lines: list[str], jvm: Jvm, text: str, remedy: str, evidence: Evidence
) -> None:
    live = evidence.state.live or ""
    workdir = planned(Facts(lines), evidence.settings, {live: jvm}, live)
    found = with_diagnosis(replace(evidence, user="ubuntu"), jvms={live: jvm}, workdir=workdir)
    finding = one(startup.working_directory(found))
    assert (finding.level, finding.stops) == (Level.FAILURE, (Step.START,))
    assert text in finding.text
    assert remedy in finding.remedy


def test_a_folder_without_files_is_left_without_a_word(evidence: Evidence) -> None:
    live = evidence.state.live or ""
    empty = replace(OURS, has_files=False)
    workdir = planned(Facts(["workdir.is =/srv/new", WRITABLE]), evidence.settings, {live: empty}, live)
    finding = one(startup.working_directory(with_diagnosis(evidence, jvms={live: empty}, workdir=workdir)))
    assert finding.level is Level.OK


# --- a unit of the team --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "command"),
    [
        ("shop.service", "sudo systemctl disable --now shop.service"),
        ("--user shop.service", "systemctl --user disable --now shop.service"),
    ],
)
def test_case_16_a_unit_that_holds_the_port_of_the_idle_slot_is_named(
    unit: str, command: str, evidence: Evidence
) -> None:
    idle = evidence.state.idle().name
    held = with_slot(evidence, idle, owner="77", pid=None, ours=False, unit=unit)
    (finding,) = [each for each in application.ports(held) if each.name.endswith(idle)]
    assert (finding.remedy, finding.stops) == (command, (Step.START,))
