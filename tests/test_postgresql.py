import psycopg
import pytest

from tests.postgresql import PostgreSQL


def test_each_test_has_an_empty_database(postgresql_server: PostgreSQL) -> None:
    first, second = postgresql_server.new_database(), postgresql_server.new_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE made (number integer)")
    with psycopg.connect(second) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM made")


def test_a_paused_server_does_not_answer(postgresql_server: PostgreSQL) -> None:
    url = postgresql_server.new_database()
    postgresql_server.pause()
    try:
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(url, connect_timeout=2)
    finally:
        postgresql_server.resume()
    psycopg.connect(url, connect_timeout=10).close()


def test_a_stopped_server_is_started_again_with_its_data(postgresql_server: PostgreSQL) -> None:
    url = postgresql_server.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE made (number integer)")
    postgresql_server.stop()
    try:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
    finally:
        postgresql_server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM made").fetchone() == (0,)
