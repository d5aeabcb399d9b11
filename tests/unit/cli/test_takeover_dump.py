"""What is read of a dump before anything is created, and what is refused; the dump is one that PhotoPrism 240915 made."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest
import typer

from cli.takeover import dump

MADE = Path(__file__).parents[2] / "blog" / "photoprism-240915.sql.gz"
TEXT = gzip.decompress(MADE.read_bytes())
END = b"-- Dump completed on 2024-12-01\n"
USERS = b"""CREATE USER `heidi`@`%` IDENTIFIED BY PASSWORD '*00';
SELECT COALESCE(CURRENT_ROLE(),'NONE') into @current_role;
CREATE ROLE IF NOT EXISTS mariadb_dump_import_role;
GRANT mariadb_dump_import_role TO CURRENT_USER();
SET ROLE mariadb_dump_import_role;
GRANT ALL PRIVILEGES ON *.* TO `heidi`@`%` WITH GRANT OPTION;
/*M!100005 SET DEFAULT ROLE NONE FOR 'heidi'@'%' */;
/*!80001 ALTER USER 'heidi'@'%' DEFAULT ROLE NONE */;
SET ROLE NONE;
DROP ROLE mariadb_dump_import_role;
/*M!100203 EXECUTE IMMEDIATE CONCAT('SET ROLE ', @current_role) */;
"""
"""As --system=all writes them (mariadb-dump 10.11)."""


def refused(file: Path, capsys: pytest.CaptureFixture[str], database: str | None = None) -> str:
    with pytest.raises(typer.Exit):
        dump.read(file, database)
    return capsys.readouterr().err


def of_several(*names: str, tables: bytes = TEXT) -> bytes:
    """Return a dump as --all-databases writes it: users, then each database."""
    head, _, rest = tables.partition(b"--\n-- Table structure")
    body = b"--\n-- Table structure" + rest.rpartition(b"-- Dump completed")[0]
    parts = [
        f"--\n-- Current Database: `{name}`\n--\n\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ `{name}`;\n\nUSE `{name}`;\n".encode()
        + (
            body
            if "photo" in name
            else b"CREATE TABLE `other` (\n  `id` int NOT NULL\n) ENGINE=InnoDB;\nINSERT INTO `other` VALUES (1);\n"
        )
        for name in names
    ]
    return head + b"".join(parts) + USERS + b"USE mysql;\nREPLACE INTO `innodb_table_stats` VALUES (1);\n" + END


@pytest.mark.parametrize("content", [TEXT, MADE.read_bytes()], ids=["plain", "gzip"])
def test_a_dump_of_one_database_is_read_whatever_it_is_packed_in(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "old.sql").write_bytes(content)
    found = dump.read(tmp_path / "old.sql", "any name: it does not hold one")

    assert found.content.is_photoprism
    assert [row["user_name"] for row in found.content.rows["auth_users"]] == ["", "", "admin", "papa"]
    assert [row["file_name"] for row in found.content.rows["files"]][:2] == ["2023/autumn.jpg", "2023/spring.jpg"]
    assert b"".join(found.statements()) == TEXT


@pytest.mark.parametrize("names", [("mysql", "photos_old", "zabbix"), ("mysql", "photos_old")], ids=len)
def test_of_a_dump_of_everything_only_the_album_is_loaded(names: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "all.sql"
    file.write_bytes(of_several(*names))
    found = dump.read(file)
    loaded = b"".join(found.statements())

    assert found.database == "photos_old"
    assert loaded.count(b"CREATE TABLE") == TEXT.count(b"CREATE TABLE")
    for other in (b"`other`", b"innodb_table_stats", b"CREATE DATABASE", b"USE `", b"heidi", b"SET ROLE", b"GRANT"):
        assert other not in loaded


def test_several_albums_in_a_dump_are_named_until_one_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.sql"
    file.write_bytes(of_several("photos_a", "photos_b"))

    assert "photos_a, photos_b. Say which: --database-name" in refused(file, capsys)
    assert "photos_a, photos_b" in refused(file, capsys, "photos_c")
    assert dump.read(file, "photos_b").database == "photos_b"


def test_what_mysql_8_writes_is_put_into_words_that_mariadb_knows(tmp_path: Path) -> None:
    file = tmp_path / "mysql.sql"
    values = b"INSERT INTO `labels` VALUES (1,'utf8mb4_0900_ai_ci'),\n(2,'utf8mb4_0900_ai_ci');\n"
    of_server = b"SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\nSET @@SESSION.SQL_LOG_BIN= 0;\n"
    text = TEXT.replace(b"utf8mb4_general_ci", b"utf8mb4_0900_ai_ci").replace(
        b"-- Dump completed", values + b"-- Dump completed"
    )
    file.write_bytes(b"-- MySQL dump 10.13  Distrib 8.0.35\n" + of_server + text.partition(b"\n")[2])
    loaded = b"".join(dump.read(file).statements())

    assert loaded.count(b"utf8mb4_0900_ai_ci") == 2, "what people wrote stays"
    assert b"SQL_LOG_BIN" not in loaded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT[: len(TEXT) // 2], 'not "-- Dump completed"'),
        (TEXT.replace(b"-- Dump completed", b"-- "), 'not "-- Dump completed"'),
        (b"", "is no dump of mariadb-dump"),
        (b"PK\x03\x04 a zip", "is no dump of mariadb-dump"),
        (b"-- phpMyAdmin SQL Dump\n", "is no dump of mariadb-dump"),
        (TEXT.replace(b"SET NAMES utf8mb4", b"SET NAMES utf8"), "is written in utf8, which has no emoji"),
        (TEXT.replace(b"CREATE TABLE `files`", b"CREATE TABLE `datafiles`"), "holds no database of PhotoPrism"),
        (gzip.compress(TEXT)[:-200], "cannot be read"),
    ],
    ids=["cut", "no trailer", "empty", "zip", "phpMyAdmin", "utf8", "of another program", "cut gzip"],
)  # fmt: skip
def test_what_is_no_whole_dump_of_an_album_is_refused(
    text: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.sql").write_bytes(text)
    assert said in refused(tmp_path / "old.sql", capsys)


def test_an_index_in_sqlite_is_refused_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(tmp_path / "index.db") as made:
        made.execute("CREATE TABLE photos (id)")
    made.close()
    assert "start afresh on the same folders" in refused(tmp_path / "index.db", capsys)


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (rb"(1,'a'),(2,NULL);", [["1", "a"], ["2", None]]),
        (rb"(1,'it\'s (a), \"b\"; \\'),(2,'x''y');", [["1", 'it\'s (a), "b"; \\'], ["2", "x'y"]]),
        ("(1,'生日\\n🎉'),".encode(), [["1", "生日\n🎉"]]),
        (rb"(0x61646D696E,_binary 'x\0');", [["admin", "x\0"]]),
        (rb"(-1.5,''),(0x,'2024-01-01 00:00:00');", [["-1.5", ""], ["", "2024-01-01 00:00:00"]]),
    ],
)
def test_values_are_read_as_the_dump_programs_write_them(values: bytes, rows: list[list[str | None]]) -> None:
    assert [list(row.values()) for row in dump._rows(values, ["a", "b"])] == rows


def test_columns_may_stand_in_the_insert(tmp_path: Path) -> None:
    text = TEXT.replace(b"INSERT INTO `versions` VALUES", b"INSERT INTO `versions` (`edition`, `version`) VALUES", 1)
    start = text.index(b"INSERT INTO `versions`")
    end = text.index(b";\n", start)
    file = tmp_path / "old.sql"
    file.write_bytes(
        text[:start] + b"INSERT INTO `versions` (`edition`, `version`) VALUES\n('ce','250707-x')" + text[end:]
    )

    assert dump.read(file).content.rows["versions"] == [{"edition": "ce", "version": "250707-x"}]
