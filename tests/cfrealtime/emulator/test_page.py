"""The live page in Chromium: what it shows, what its buttons do, and that it asks nobody else."""

from __future__ import annotations

import os
import re
from asyncio import subprocess
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from cfrealtime.emulator import Emulator, UdpMediaPlane, demo
from cfrealtime.emulator.environment import environment_of
from cfrealtime.emulator.media import rtp
from tests.browser.conftest import FLAGS, chromium
from tests.cfrealtime.emulator.adapters.calls import egress, emulator_for, ingest, made
from tests.cfrealtime.emulator.adapters.endpoint import Endpoint
from tests.cfrealtime.emulator.data_peer import DataPeer, heard, told
from tests.cfrealtime.emulator.peer import APP, Peer, codes, remote, until
from tests.cfrealtime.emulator.sdp.endpoint import answer
from tests.cfrealtime.emulator.talkers import listening, served, talking
from tests.cfrealtime.emulator.test_tracks import publisher

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser) -> AsyncIterator[Callable]:
    """Opens the page of an emulator; what goes uncaught, and requests to anybody else, fail the test."""
    wrong = list[str]()
    context = await browser.new_context(viewport={"width": 1400, "height": 1000})

    async def open_it(client: httpx.AsyncClient) -> Page:
        page, origin = await context.new_page(), str(client.base_url).removesuffix("/")
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: r.url.startswith((origin, "data:")) or wrong.append(r.url))
        await page.goto(f"{origin}/_emulator/")
        await expect(page.locator("#figures dd").first).to_be_visible()
        return page

    yield open_it
    await context.close()
    assert wrong == []


@pytest_asyncio.fixture(loop_scope="module")
async def emulator() -> Emulator:
    return Emulator()


@pytest_asyncio.fixture(loop_scope="module")
async def client(emulator) -> AsyncIterator[httpx.AsyncClient]:
    async with served(emulator) as client:
        yield client


def figure(page: Page, name: str):
    return page.locator("#figures div", has_text=name).locator("dd")


def kinds(emulator: Emulator) -> list[str]:
    return [fault["kind"] for fault in emulator.faults.view()["faults"]]


async def pasted(lines: str, **environment: str) -> tuple[str, str]:
    """What a shell says that is given lines to run, and what it complains of."""
    path = {"PATH": os.environ["PATH"]}
    shell = await subprocess.create_subprocess_exec(
        *("/bin/sh", "-c", lines), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**path, **environment}
    )
    out, error = await shell.communicate()
    return out.decode(), error.decode()


async def test_what_an_empty_emulator_says_to_do_can_be_done(emulator, client, open_page):
    page = await open_page(client)
    await expect(page.get_by_text("Nobody is here yet")).to_be_visible()
    await expect(page.get_by_text("Nothing was called yet.")).to_be_visible()
    await expect(page.get_by_text("nothing is held")).to_be_visible()
    await expect(page.locator(".empty p").first).to_contain_text(
        "First paste into your shell the export line"
    )
    lines = await page.locator(".empty pre").inner_text()
    assert "paste the export line first" in (await pasted(lines))[1]
    assert emulator.count() == 0
    printed = environment_of(demo.APPS, {}, f"{client.base_url}/v1")
    assert '"sessionId"' in (await pasted(lines, **printed))[0]
    await expect(page.locator(".node")).to_have_count(1)
    await expect(page.locator(".empty")).to_be_hidden()


async def test_sessions_and_what_they_send_each_other_come_and_go(client, open_page):
    page = await open_page(client)
    source, viewer = await publisher(client, "mic", "camera"), await Peer.join(client)
    await viewer.subscribe(remote(source.id, "mic"), remote(source.id, "camera"))
    await expect(page.locator(".node")).to_have_count(2)
    await expect(page.locator(".links path")).to_have_count(2)
    await expect(page.locator(".node .port")).to_have_count(2)
    await expect(figure(page, "received")).to_have_text("2")
    await viewer.force_close("s0")
    await expect(page.locator(".links path")).to_have_count(1)
    await source.force_close("1")
    await expect(page.locator(".links path")).to_have_count(0)
    await expect(page.locator(".node .port")).to_have_count(1)


async def test_data_channels_are_lines_that_move_while_something_is_said(emulator, client, open_page):
    speaker, listener = await DataPeer.connected(client), await DataPeer.connected(client)
    await speaker.open(told("chat"))
    await listener.open(heard(speaker.id, "chat"))
    page = await open_page(client)
    await page.locator(".node").nth(1).click()
    row = page.locator("#details tr", has_text="chat")
    await expect(row).to_contain_text("id 1")
    await expect(page.locator(".links path.data.quiet")).to_have_count(1)
    emulator.media.say(speaker.id, 1, b"x" * 10_000)
    await expect(page.locator(".links path.data.flowing")).to_have_count(1)
    await expect(row).to_contain_text("kbit/s")


async def test_an_unanswered_offer_is_seen(client, open_page):
    source, viewer = await publisher(client, "mic"), await Peer.join(client)
    await viewer.post_tracks([remote(source.id, "mic")])
    page = await open_page(client)
    await expect(page.get_by_text("offer unanswered")).to_be_visible()
    await expect(page.locator(".links path.waiting")).to_have_count(1)
    await page.locator("#held summary").click()
    await expect(page.locator("#held li", has_text="has not answered an offer")).to_contain_text(
        "since call 4"
    )


async def test_the_usual_faults_are_a_click_away(emulator, client, open_page):
    page = await open_page(client)
    await page.get_by_role("button", name="Lose next answer").click()
    await expect(page.locator("#waiting .chip")).to_have_text(re.compile("^lose_answer nth=1"))
    with pytest.raises(httpx.TransportError):
        await client.post(f"{APP}/sessions/new")
    await expect(page.locator("#waiting .chip")).to_have_count(0)
    await expect(page.locator("#journal tr", has_text="new_session")).to_contain_text("lose_answer")
    for name in ("Refuse next call", "503 next", "Delay 1 s"):
        await page.get_by_role("button", name=name).click()
    await expect(page.locator("#waiting .chip")).to_have_count(3)
    assert kinds(emulator) == ["refuse", "status", "delay"]
    await page.get_by_role("button", name="Take back status").click()
    await expect(page.locator("#waiting .chip")).to_have_count(2)
    await page.get_by_role("button", name="Clear all").click()
    await expect(page.locator("#waiting .chip")).to_have_count(0)
    assert kinds(emulator) == []


async def test_any_fault_can_be_typed_and_mistakes_are_told(emulator, client, open_page):
    page = await open_page(client)
    field = page.get_by_label("Any fault")
    await field.fill("delay")
    await field.press("Enter")
    await expect(page.locator("#refused")).to_have_text("delay needs seconds.")
    await field.fill("delay seconds=0.2 operation=renegotiate")
    await field.press("Enter")
    await expect(page.locator("#refused")).to_be_hidden()
    await expect(field).to_have_value("")
    assert kinds(emulator) == ["delay"]


async def test_a_session_is_silenced_cut_and_ended(emulator, client, open_page):
    source = await publisher(client, "mic", "camera")
    page = await open_page(client)
    await page.locator(".node").click()
    await expect(page.get_by_role("heading", name="Session #1")).to_be_visible()
    await page.locator('[data-silence="mic"]').click()
    await expect(page.locator('[data-silence="mic"][aria-pressed="true"]')).to_be_visible()
    await expect(page.locator(".node .bolt")).to_be_visible()
    assert emulator.state()["sessions"][0]["faults"] == [f"silence session={source.id} track=mic"]
    await page.locator('[data-silence="mic"]').click()
    await expect(page.locator(".node .bolt")).to_have_count(0)
    await page.get_by_role("button", name="Cut", exact=True).click()
    await expect(page.locator(".node.lost")).to_be_visible()
    await page.get_by_role("button", name="Cut off").click()
    await expect(page.locator(".node.connected")).to_be_visible()
    await expect(page.get_by_role("button", name="Jitter")).to_be_disabled()
    await page.get_by_role("button", name="End it").click()
    await expect(page.locator("#details")).to_contain_text("Ended: a fault ended it.")
    await expect(page.locator(".node")).to_have_count(0)
    await expect(page.get_by_role("heading", name="Nobody is here any more")).to_be_visible()
    assert (await source.get()).status_code == 410


async def test_sessions_can_be_chosen_with_the_keyboard(client, open_page):
    await publisher(client, "mic")
    page = await open_page(client)
    await page.locator(".node").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".node")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Sessions")).to_be_visible()


async def test_the_journal_is_narrowed_down(client, open_page):
    source, viewer = await publisher(client, "mic"), await Peer.join(client)
    assert codes(await viewer.post_tracks([remote(source.id, "nothing")])) == ["not_found_track_error"]
    page = await open_page(client)
    rows = page.locator("#journal tbody tr")
    await expect(rows).to_have_count(5)
    await page.get_by_label("events").uncheck()
    await expect(rows).to_have_count(4)
    await page.get_by_label("problems only").check()
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("not_found_track_error")
    await page.get_by_label("problems only").uncheck()
    await page.get_by_label("Operation").select_option("new_session")
    await expect(rows).to_have_count(2)
    await page.get_by_label("Operation").select_option("")
    await page.get_by_label("Session", exact=True).select_option(viewer.id)
    await expect(rows).to_have_count(1)
    await rows.get_by_role("button").click()
    await expect(page.get_by_role("heading", name="Session #2")).to_be_visible()


async def test_the_journal_finds_what_is_not_among_the_newest_calls_and_who_is_gone(
    emulator, client, open_page
):
    source = await publisher(client, "mic")
    journal = emulator._world.journal
    for _ in range(260):
        call = journal.open(0.0, "new_session", "demo", None)
        journal.finish(call, 401, {"errorCode": "unauthorized"})
        journal.close(call, 0.0)
    page = await open_page(client)
    rows = page.locator("#journal tbody tr")
    await expect(rows.last).to_have_text("These are the newest 250 calls of 262.")
    await page.get_by_label("problems only").check()
    await expect(rows.last).to_have_text("These are the problems in the newest 250 calls of 262.")
    await page.get_by_label("problems only").uncheck()
    await page.get_by_label("Operation").select_option("new_tracks")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("mic")
    emulator.media.kill(source.id)
    emulator.faults.add("clock speed=1000")
    await expect(figure(page, "clock")).to_have_text("\u00d7 1000")
    gone = page.get_by_label("Session", exact=True).locator("option", has_text=", gone")
    await expect(gone).to_have_text(f"#1 {source.id[:6]}, gone")
    await page.get_by_label("Session", exact=True).select_option(source.id)
    await page.get_by_label("Operation").select_option("")
    await expect(rows.first).to_contain_text("session ended")
    await expect(rows.last).to_contain_text("new_tracks")


async def test_several_apps_are_told_apart(open_page):
    async with served(Emulator({"demo": "secret", "shop": "secret"})) as client:
        await Peer.join(client)
        page = await open_page(client)
        await expect(page.locator(".node")).to_have_count(1)
        await expect(page.locator(".app:visible")).to_have_count(0)
        await client.post("/v1/apps/shop/sessions/new?correlationId=bob")
        await expect(figure(page, "apps")).to_have_text("2")
        await expect(page.locator(".node .below").last).to_have_text("shop · bob")
        await expect(page.locator("#details tr", has_text="bob")).to_contain_text("shop")
        await expect(page.locator("#journal tbody tr").first.locator("td.app")).to_have_text("shop")
        await page.get_by_label("Session", exact=True).select_option(label="#2 bob · shop")


async def test_adapters_stand_beside_the_sessions_and_their_sound_is_seen(open_page):
    endpoint = Endpoint()
    async with served(emulator_for(endpoint)) as client:
        speech = await made(client, ingest())
        for _ in range(20):
            endpoint.lines[0].say(bytes(20 * 48 * 4))
        await made(client, egress(speech["sessionId"], "speech"))
        page = await open_page(client)
        await expect(page.locator(".node rect.shape")).to_have_count(2)
        await expect(page.locator(".node .below")).to_have_text(
            [re.compile("from bot"), re.compile("to bot")]
        )
        line = page.locator(".links path.audio")
        await expect(line.locator("title")).to_contain_text("speech → bot.example as pcm")
        await expect(page.locator(".links path.quiet")).to_have_count(1)
        for _ in range(50):
            endpoint.lines[0].say(bytes(20 * 48 * 4))
        await expect(page.locator(".links path.flowing")).to_have_count(1)


async def test_a_crowd_is_small_and_stands_still_and_says_what_is_wrong(emulator, client, open_page):
    source = await publisher(client, *(f"camera {i}" for i in range(19)), kind="video")
    tracks = [remote(source.id, f"camera {i}") for i in range(19)]
    viewers = [await Peer.join(client) for _ in range(11)]
    for viewer in viewers[:8]:
        await viewer.subscribe(*tracks)
    await viewers[8].post_tracks(tracks[:1])
    page = await open_page(client)
    await expect(page.locator(".links path")).to_have_count(153)
    await expect(page.locator("#picture svg.still")).to_have_count(1)
    moving = "path => getComputedStyle(path).animationName"
    assert await page.locator(".links path.flowing").first.evaluate(moving) == "none"
    await expect(page.locator(".node .mark")).to_contain_text("?")
    await viewers[7].force_close(*(f"s{i}" for i in range(5)))
    await expect(page.locator("#picture svg.still")).to_have_count(0)
    assert await page.locator(".links path.flowing").first.evaluate(moving) == "flow"


async def test_a_codec_that_is_not_taken_is_seen(emulator, client, open_page):
    source, viewer = await publisher(client, "camera", kind="video"), await Peer.join(client)
    emulator.media.encode(source.id, "0", "av1/90000;profile=0")
    response = await viewer.post_tracks([remote(source.id, "camera")])
    offer = response.json()["sessionDescription"]["sdp"]
    await viewer.renegotiate(answer(offer).replace("AV1/90000", "rejected/90000"))
    page = await open_page(client)
    await expect(page.locator(".links path.undelivered title")).to_contain_text("not taken")
    await page.locator(".node").nth(1).click()
    await expect(page.locator("#details tr", has_text="camera")).to_contain_text(
        "av1/90000;profile=0 not taken"
    )


async def test_names_are_text_and_nothing_else(client, open_page):
    nasty = "<img src=x onerror=document.title='taken'>"
    source, viewer = await publisher(client, nasty), await Peer.join(client)
    await viewer.subscribe(remote(source.id, nasty))
    page = await open_page(client)
    await page.locator(".node").first.click()
    await expect(page.locator("#details td", has_text=nasty)).to_be_visible()
    await expect(page.locator("#journal td", has_text=nasty).first).to_be_visible()
    assert await page.title() == "Emulator of Cloudflare Realtime"


async def test_the_page_says_when_nobody_answers_and_goes_on_afterwards(open_page):
    emulator = Emulator()
    async with served(emulator) as client:
        page = await open_page(client)
    await expect(page.locator("#gone")).to_be_visible()
    async with emulator.serve(port=client.base_url.port):
        await expect(page.locator("#gone")).to_be_hidden()


async def test_real_packets_are_counted_a_second(open_page):
    emulator = Emulator(media=UdpMediaPlane())
    async with (
        served(emulator) as client,
        talking(client, 1000, b"x" * 200) as (ann, _),
        listening(client, remote(ann.id, "mic")) as (_, listener, _),
    ):
        page = await open_page(client)
        await expect(figure(page, "in")).to_have_text(re.compile(r"^[1-9]\d kbit/s$"))
        await expect(page.locator(".links path.flowing")).to_have_count(1)
        await expect(page.locator(".node .rates").first).to_have_text(re.compile(r"^↑ [1-9]\d kbit/s$"))
        await page.locator(".node").first.click()
        await page.get_by_role("button", name="Lose 10 %").click()
        await expect(page.get_by_role("button", name="Loses 10 %")).to_be_visible()

        def overtaken() -> bool:
            numbers = [rtp.parse(data).sequence for data in listener.rtp]
            return numbers != sorted(numbers)

        assert not overtaken()
        await page.get_by_role("button", name="Jitter").click()
        await expect(page.get_by_role("button", name="Jitters")).to_be_visible()
        await until(overtaken)
        await page.get_by_role("button", name="Silence").first.click()
        await expect(page.locator(".links path.quiet")).to_have_count(1)
