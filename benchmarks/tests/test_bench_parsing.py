"""What the benchmarks read off programs and the system, and how they compare it."""

import pytest
from benchmarks.kinds.requests import parse_wrk
from benchmarks.kinds.sample import Sample
from benchmarks.process import parse_cpu_ticks, parse_private_memory
from benchmarks.report import median_ratio, table

WRK = """Running 2s test @ http://127.0.0.1:9101/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   280.09us   52.06us   1.87ms   97.97%
    Req/Sec    57.66k     1.65k   60.31k    71.43%
  120218 requests in 2.10s, 5.16MB read
Requests/sec:  57245.17
Transfer/sec:      2.46MB
"""


def test_wrk_output_gives_number_and_rate():
    assert parse_wrk(WRK) == (120218, 57245.17)


@pytest.mark.parametrize(
    "line", ["Non-2xx or 3xx responses: 4", "Socket errors: connect 0, read 5"]
)
def test_errors_under_load_are_no_measurement(line):
    with pytest.raises(RuntimeError, match="the load failed"):
        parse_wrk(WRK + line)


def test_cpu_ticks_of_a_process_with_an_odd_name():
    stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 31 11 0 0 20 0"
    assert parse_cpu_ticks(stat) == 42


def test_private_memory_is_what_no_other_process_shares():
    text = "00-ff ---p [rollup]\nRss: 900 kB\nPrivate_Clean: 3 kB\nPrivate_Dirty: 4 kB\n"
    assert parse_private_memory(text) == 7 * 1024


def test_ratios_compare_samples_of_the_same_round():
    upstream = [Sample(100), Sample(200), Sample(90)]
    ours = [Sample(10), Sample(20), Sample(30)]
    assert median_ratio(upstream, ours) == 10
    assert "10.00" in table("us", {"upstream": upstream, "ours": ours})
