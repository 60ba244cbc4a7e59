"""Ways to write a place inside: where nothing of ours may connect to because somebody typed it in."""

# ruff: noqa: RUF001 - digits of another kind are what one of them is about
PLACES = tuple(
    line.split()[0]
    for line in """
127.0.0.1
127.1
127.0.1
127.127.127.127
2130706433
017700000001
0x7f000001
0x7f.0.0.1
0177.0.0.1
0177.0x0.0.1
127.0.0.1.
0
0.0.0.0
0.0.0.0.
[::1]
[::]
[0:0:0:0:0:0:0:1]
[::ffff:127.0.0.1]
[::ffff:7f00:1]
[::127.0.0.1]
[2002:7f00:1::]
[64:ff9b::7f00:1]
[fe80::1%25lo]
[fd00::1]
localhost
LOCALHOST
LocalHost.
localhost.localdomain
ip6-localhost
ⓛocalhost
１２７.０.０.１
127。0。0。1
①②⑦.⓪.⓪.①
loopback.evil.example
mixed.evil.example
bücher.evil.example
public.example@127.0.0.1
public.example:80@127.0.0.1
public.example%00@127.0.0.1
127.0.0.1%2f@127.0.0.1
public.example#@127.0.0.1
public.example\\@127.0.0.1
169.254.169.254
[fd00:ec2::254]
metadata.evil.example
10.0.0.1
172.16.0.1
192.168.0.1
100.64.0.1
198.18.0.1
224.0.0.1
255.255.255.255
""".strip().splitlines()
)
"""Hosts, some with who is said to ask."""

NAMES = {
    "loopback.evil.example": ["127.0.0.1"],
    "mixed.evil.example": ["127.0.0.1", "::1", "::ffff:127.0.0.1"],
    "xn--bcher-kva.evil.example": ["127.0.0.1"],
    "metadata.evil.example": ["169.254.169.254"],
}
"""What the world's name servers are made to say. Other names are as the machine knows them, or unknown."""
