"""What the adapter relies on beneath aiortc's public names: a changed aiortc fails here first."""

from __future__ import annotations

import inspect

from aiortc import RTCCertificate, RTCDtlsTransport, RTCSctpTransport


def parameters(method) -> list[str]:
    return list(inspect.signature(method).parameters)


def test_decrypted_packets_are_handed_to_methods_that_can_be_replaced():
    assert parameters(RTCDtlsTransport._handle_rtp_data) == ["self", "data", "arrival_time_ms"]
    assert parameters(RTCDtlsTransport._handle_rtcp_data) == ["self", "data"]
    source = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "await self._handle_rtp_data(data, arrival_time_ms=" in source
    assert "await self._handle_rtcp_data(data)" in source


def test_packets_are_protected_by_two_sessions_that_are_there_once_connected():
    source = inspect.getsource(RTCDtlsTransport)
    connected = source.index("self._set_state(State.CONNECTED)")
    for session, method in (("_rx_srtp", "unprotect"), ("_tx_srtp", "protect")):
        assert source.index(f"self.{session} = Session(") < connected
        assert f"self.{session}.{method}(data)" in source
        assert f"self.{session}.{method}_rtcp(data)" in source


def test_packets_of_data_channels_pass_two_methods_that_can_be_replaced():
    assert parameters(RTCDtlsTransport._send_data) == ["self", "data"]
    assert parameters(RTCSctpTransport._handle_data) == ["self", "data"]
    assert "await self._data_receiver._handle_data(data)" in inspect.getsource(RTCDtlsTransport._recv_next)
    assert "_send_data(" in inspect.getsource(RTCSctpTransport._send_chunk)


def test_chunks_of_data_pass_a_method_that_can_be_replaced_and_what_is_kept_can_be_counted():
    assert parameters(RTCSctpTransport._receive_data_chunk) == ["self", "chunk"]
    source = inspect.getsource(RTCSctpTransport)
    assert "await self._receive_data_chunk(chunk)" in source
    assert "self._advertised_rwnd -= len(chunk.user_data)" in source
    assert "self._last_received_tsn = tsn" in source
    assert "self._sack_misordered.add(tsn)" in source
    assert "self._inbound_streams[stream_id] = InboundStream()" in source
    assert "if self._sack_needed:" in source


def test_the_transport_below_is_used_by_two_methods_and_a_role():
    source = inspect.getsource(RTCDtlsTransport)
    used = {part.split("(")[0].split(")")[0].split()[0] for part in source.split("self.transport.")[1:]}
    assert {name for name in used if name.isidentifier()} - {"role"} <= {"_recv", "_send"}


def test_a_controlling_transport_makes_the_dtls_server():
    assert 'self.transport.role == "controlling"' in inspect.getsource(RTCDtlsTransport.start)


def test_a_certificate_has_the_fingerprint_that_descriptions_carry():
    fingerprints = RTCCertificate.generateCertificate().getFingerprints()
    assert "sha-256" in [fingerprint.algorithm for fingerprint in fingerprints]
