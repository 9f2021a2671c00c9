from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.config import LOCAL_PROJECT, Settings, load_settings
from flowtui.errors import ConfigError
from tests.config.conftest import write, write_flyte


def test_nothing_configured_means_the_runs_of_this_machine(environ: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings({}, environ)
    assert settings == Settings(
        home=tmp_path / "home",
        cache=tmp_path / "home" / "cache",
        sources=settings.sources,
        project=LOCAL_PROJECT,
        files=(tmp_path / "config.toml",),
    )
    assert settings.local
    assert settings.endpoint is None
    assert settings.domain == "development"


def test_flags_beat_environment_beats_file_beats_flyte(environ: dict[str, str]) -> None:
    flyte = write_flyte(environ, "admin: {endpoint: 'dns:///flyte.example.com'}")
    assert load_settings({}, environ).endpoint == "https://flyte.example.com"
    assert load_settings({}, environ).sources["endpoint"] == f"{flyte}: admin.endpoint"
    write(environ, "endpoint = 'https://file.example.com'\nproject = 'from-file'\ndomain = 'production'")
    assert load_settings({}, environ).endpoint == "https://file.example.com"
    environ["FLOWTUI_ENDPOINT"] = "https://environ.example.com/flows/"
    environ["FLOWTUI_PROJECT"] = "from-environ"
    settings = load_settings({"endpoint": None, "project": None}, environ)
    assert (settings.endpoint, settings.project) == ("https://environ.example.com/flows", "from-environ")
    settings = load_settings({"endpoint": "localhost:8088", "project": "from-flag"}, environ)
    assert (settings.endpoint, settings.project) == ("http://localhost:8088", "from-flag")
    assert settings.domain == "production"
    assert settings.sources["endpoint"] == "--endpoint"


def test_a_server_without_a_project_has_none_chosen(environ: dict[str, str]) -> None:
    assert load_settings({"endpoint": "https://host"}, environ).project == ""


def test_local_takes_nothing_that_is_configured_for_a_cluster(environ: dict[str, str]) -> None:
    write(environ, "endpoint = 'https://host'\nproject = 'theirs'\ndomain = 'production'\nheaders = {A = 'b'}")
    environ["FLOWTUI_PROJECT"] = "theirs-too"
    settings = load_settings({"local": True}, environ)
    assert (settings.endpoint, settings.project, settings.domain) == (None, LOCAL_PROJECT, "development")
    assert not settings.headers
    assert load_settings({"local": True, "project": "mine"}, environ).project == "mine"


def test_local_and_an_endpoint_exclude_each_other(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="exclude each other"):
        load_settings({"local": True, "endpoint": "https://host"}, environ)
    environ["FLOWTUI_LOCAL"] = "1"
    assert load_settings({"endpoint": "https://host"}, environ).endpoint == "https://host"
    assert load_settings({}, environ | {"FLOWTUI_ENDPOINT": "https://host"}).local


def test_a_context_by_flag_beats_the_environment(environ: dict[str, str]) -> None:
    write(
        environ,
        """
        project = "everywhere"
        [contexts.prod]
        endpoint = "https://prod.example.com"
        headers = {X-Team = "biostat"}
        [contexts.test]
        endpoint = "https://test.example.com"
        project = "testing"
        """,
    )
    environ["FLOWTUI_ENDPOINT"] = "https://environ.example.com"
    settings = load_settings({"context": "prod"}, environ)
    assert (settings.endpoint, settings.project) == ("https://prod.example.com", "everywhere")
    assert settings.headers == {"X-Team": "biostat"}
    environ["FLOWTUI_CONTEXT"] = "test"
    settings = load_settings({}, environ)
    assert (settings.endpoint, settings.project) == ("https://environ.example.com", "testing")
    with pytest.raises(ConfigError, match="no context 'staging'") as raised:
        load_settings({"context": "staging"}, environ)
    assert "prod, test" in raised.value.hint


def test_console_beats_the_grpc_endpoint_of_flyte(environ: dict[str, str]) -> None:
    write_flyte(
        environ, "admin: {endpoint: 'dns:///grpc.host:8089'}\nconsole: {endpoint: 'https://host/flows/console'}"
    )
    assert load_settings({}, environ).endpoint == "https://host/flows"


@pytest.mark.parametrize(("insecure", "scheme"), [("true", "http"), ("false", "https")])
def test_insecure_decides_the_scheme(environ: dict[str, str], insecure: str, scheme: str) -> None:
    write_flyte(environ, f"admin: {{endpoint: 'dns:///host:30080', insecure: {insecure}}}")
    assert load_settings({}, environ).endpoint == f"{scheme}://host:30080"


def test_flytectl_config_names_another_file(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "sandbox.yaml"
    path.write_text("admin: {endpoint: 'dns:///localhost:30080', insecure: true}")
    assert load_settings({}, environ | {"FLYTECTL_CONFIG": str(path)}).endpoint == "http://localhost:30080"


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("endpoint = 3", "endpoint: it is not a text", "base URL"),
        ("endpoint = 'ftp://host'", "ftp:// is not a scheme", "base URL"),
        ("endpoint = 'https://me:secret@host'", "user name or password", "base URL"),
        ("timeout = 0", "timeout", "seconds"),
        ("timeout = true", "timeout", "seconds"),
        ("mouse = 'perhaps'", "mouse: it is neither", "true or false"),
        ("max_parallelism = -1", "max_parallelism", "such as 4"),
        ("images = 'braille'", "images", "such as half"),
        ("keys = {refresh = 5}", "keys: it is not a table of texts", "refresh"),
        ("headers = 'x'", "headers: it is not a table", "X-Team"),
        ("endpiont = 'https://host'", "endpiont is not a setting", "Did you mean endpoint?"),
        ("context = 'a'\ncontexts = {a = {mouse = true}}", "contexts.a.mouse is not a setting", "endpoint"),
        ("context = 'a'\ncontexts = {a = 3}", "contexts.a: it is not a table", "contexts.prod"),
        ("endpoint = ", "is not TOML", "line"),
    ],
)
def test_an_error_names_file_key_and_remedy(environ: dict[str, str], text: str, said: str, hint: str) -> None:
    path = write(environ, text)
    flags = {"endpoint": "https://host"} if "endpoint" not in text else {}
    with pytest.raises(ConfigError) as raised:
        load_settings(flags, environ)
    assert path in raised.value.message
    assert said in raised.value.message
    assert hint in raised.value.hint


def test_a_flag_and_a_variable_are_named_as_they_are_written(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="--endpoint: "):
        load_settings({"endpoint": "https://"}, environ)
    with pytest.raises(ConfigError, match=r"FLOWTUI_TIMEOUT .'soon'."):
        load_settings({}, environ | {"FLOWTUI_TIMEOUT": "soon"})


def test_a_file_that_was_named_must_exist(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings({"config": str(tmp_path / "none.toml")}, environ)
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings({}, environ | {"FLYTECTL_CONFIG": str(tmp_path / "none.yaml")})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings({"config": str(tmp_path)}, environ)


@pytest.mark.parametrize("text", ["admin: [", "admin: {endpoint: 'ftp://host'}", "admin: {endpoint: 3}"])
def test_a_bad_flyte_file_is_named_and_a_flag_does_without_it(environ: dict[str, str], text: str) -> None:
    path = write_flyte(environ, text)
    with pytest.raises(ConfigError) as raised:
        load_settings({}, environ)
    assert str(path) in raised.value.message
    assert load_settings({"endpoint": "https://host"}, environ).endpoint == "https://host"


def test_secrets_are_not_in_the_repr(environ: dict[str, str]) -> None:
    write(environ, "endpoint = 'https://host'\nheaders = {X-Key = 'hush-1'}")
    settings = load_settings({}, environ | {"FLOWTUI_TOKEN": "hush-2"})
    assert settings.headers == {"X-Key": "hush-1"}
    assert settings.auth.token == "hush-2"
    assert "hush" not in repr(settings) + repr(settings.sources)


def test_a_secret_is_not_in_an_error(environ: dict[str, str]) -> None:
    write(environ, "endpoint = 'https://host'\n[headers]\nX-Key = \"hush\\n\"")
    with pytest.raises(ConfigError) as raised:
        load_settings({}, environ)
    assert "hush" not in str(raised.value)
    with pytest.raises(ConfigError) as raised:
        load_settings({"endpoint": "https://me:hush@host"}, environ)
    assert "hush" not in str(raised.value)


def test_home_moves_data_and_cache(environ: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings({"home": str(tmp_path / "elsewhere")}, environ)
    assert (settings.home, settings.cache) == (tmp_path / "elsewhere", tmp_path / "elsewhere" / "cache")


def test_a_home_of_nobody_is_a_name(environ: dict[str, str]) -> None:
    assert load_settings({"home": "~0"}, environ).home == Path.cwd() / "~0"
    with pytest.raises(ConfigError, match="--home: it holds a NUL"):
        load_settings({"home": "a\0b"}, environ)


def test_a_path_in_the_file_is_seen_from_there(environ: dict[str, str], tmp_path: Path) -> None:
    write(environ, "home = 'data'")
    del environ["FLOWTUI_HOME"]
    assert load_settings({}, environ).home == tmp_path / "data"


def test_no_color_is_honoured(environ: dict[str, str]) -> None:
    assert load_settings({}, environ).color
    assert not load_settings({}, environ | {"NO_COLOR": "1"}).color
    assert not load_settings({"color": False}, environ).color


@given(
    st.dictionaries(st.sampled_from(["endpoint", "timeout", "mouse", "max_parallelism", "local", "home"]), st.text())
)
def test_any_text_gives_settings_or_says_what_is_off(flags: dict[str, str]) -> None:
    environ = {"FLOWTUI_HOME": "/nowhere", "HOME": "/nowhere"}
    refused: ConfigError | None = None
    try:
        settings = load_settings(flags, environ)
        assert settings.local == (settings.endpoint is None)
    except ConfigError as error:
        refused = error
    assert refused is None or (refused.message.startswith("--") and refused.hint)


def test_how_pictures_are_drawn(environ: dict[str, str]) -> None:
    assert load_settings({}, environ).images == "auto"
    write(environ, "images = 'Sixel'")
    assert load_settings({}, environ).images == "sixel"
    environ["FLOWTUI_IMAGES"] = "off"
    assert load_settings({}, environ).images == "off"
    assert load_settings({"images": "half"}, environ).images == "half"
