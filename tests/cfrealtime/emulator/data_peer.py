"""A peer with data channels: raw HTTP calls, and a transport that is established in one go."""

from __future__ import annotations

import asyncio

import httpx

from tests.cfrealtime.emulator.peer import Peer
from tests.cfrealtime.emulator.sdp.endpoint import M, describe

DATA = M("application", "0", "sendrecv")


def told(name: str, **fields) -> dict:
    """An entry of a publisher."""
    return {"location": "local", "dataChannelName": name, **fields}


def heard(session_id: str, name: str, **fields) -> dict:
    """An entry of a subscriber."""
    return {"location": "remote", "sessionId": session_id, "dataChannelName": name, **fields}


class DataPeer(Peer):
    """One endpoint with one session."""

    @classmethod
    async def connected(cls, client: httpx.AsyncClient) -> DataPeer:
        """A peer whose transport for data channels is up."""
        peer = await cls.join(client)
        response = await peer.establish()
        assert response.status_code == 200, response.text
        answered = await peer.answer(response.json()["sessionDescription"]["sdp"])
        assert answered.status_code == 200, answered.text
        await asyncio.sleep(0.2)
        return peer

    async def establish(self, **fields) -> httpx.Response:
        body = {"dataChannel": {"location": "remote", "dataChannelName": "server-events"}, **fields}
        return await self.client.post(f"{self.path}/datachannels/establish", json=body)

    async def offer_data(self, *sections: M) -> httpx.Response:
        description = {"type": "offer", "sdp": describe(*(sections or (DATA,)))}
        return await self.establish(sessionDescription=description)

    async def channels(self, *entries: dict) -> httpx.Response:
        return await self.client.post(f"{self.path}/datachannels/new", json={"dataChannels": list(entries)})

    async def open(self, *entries: dict) -> tuple[int, ...]:
        """New channels, which must all succeed and are open after it; gives their ids."""
        response = await self.channels(*entries)
        assert channel_codes(response) == [None] * len(entries), response.text
        await asyncio.sleep(0.1)
        return tuple(item["id"] for item in response.json()["dataChannels"])

    async def update_channels(self, *entries: dict) -> httpx.Response:
        body = {"dataChannels": list(entries)}
        return await self.client.put(f"{self.path}/datachannels/update", json=body)

    async def close_channels(self, *ids: int) -> httpx.Response:
        body = {"dataChannels": [{"id": channel_id} for channel_id in ids]}
        return await self.client.put(f"{self.path}/datachannels/close", json=body)

    async def statuses(self) -> dict[int, str]:
        """The status of each channel by its id."""
        response = await self.get()
        return {item["id"]: item["status"] for item in response.json()["dataChannels"]}


def channel_codes(response: httpx.Response) -> list[str | None]:
    """The error code of each item of a 200."""
    assert response.status_code == 200, response.text
    return [item.get("errorCode") for item in response.json()["dataChannels"]]
