"""Virtual readers get ports on which their driver can listen, whatever else uses ports."""

import socket

from tests.readers import free_ports


def test_ports_of_servers_and_connections_are_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client, server.accept()[0]:
            for taken in (address[1], client.getsockname()[1]):
                assert free_ports(1, taken) > taken
                assert free_ports(2, taken - 1) > taken
