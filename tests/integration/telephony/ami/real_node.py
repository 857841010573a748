"""The smallest Asterisk on which the manager interface can be tried: no trunk, two phones, two queues."""

from __future__ import annotations

from pathlib import Path

from telephony.ami.accounts import RIGHTS, Role
from telephony.instance import Programs

SECRETS = {role: f"{role}-s3cret" for role in Role}
MODULES = (
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_timing_timerfd",
    "res_pjproject",
    "res_statsd",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_registrar",
    "res_pjsip_endpoint_identifier_user",
    "chan_pjsip",
    "res_rtp_asterisk",
    "res_manager_devicestate",
    "pbx_config",
    "app_queue",
    "app_userevent",
    "app_mixmonitor",
    "format_wav",
    "bridge_simple",
    "res_musiconhold",
)

EXTENSIONS = """
[test]
exten => call,1,Answer()
 same => n,Set(__CALL_ID=0b6a4a52-7b5c-4f1c-8b5a-000000000001)
 same => n,Set(__JOINED_US=1700000000000000)
 same => n,UserEvent(CallArrived,Call: ${CALL_ID},Name: 张三丰)
 same => n,Queue(card-cmn,,,,60)
exten => recorded,1,Answer()
 same => n,MixMonitor(test.wav)
 same => n,UserEvent(Recording)
 same => n,Wait(60)
exten => other,1,Answer()
 same => n,Wait(60)
[hotline-queue]
exten => card-en,1,UserEvent(Again)
 same => n,Queue(card-en,,,,60)
[hotline-survey]
exten => s,1,UserEvent(InSurvey)
 same => n,Wait(60)
[hotline-announce]
exten => play,1,Answer()
 same => n,UserEvent(Plays,To: ${ANNOUNCE_TO},Position: ${ANNOUNCE_POSITION},Minutes: ${ANNOUNCE_MINUTES})
 same => n,Wait(60)
exten => spy,1,UserEvent(Spies,To: ${ANNOUNCE_TO})
 same => n,Wait(60)
"""

PJSIP = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip_port}
[d001]
type = endpoint
aors = d001
[d001]
type = aor
contact = sip:d001@127.0.0.1:9
[d002]
type = endpoint
aors = d002
[d002]
type = aor
max_contacts = 1
"""

QUEUES = """
[general]
persistentmembers = yes
[card-cmn]
strategy = leastrecent
joinempty = yes
[card-en]
strategy = leastrecent
joinempty = yes
"""


def manager_conf(port: int) -> str:
    """The three accounts with exactly the rights of the table, and one that may see everything."""
    lines = ["[general]", "enabled = yes", "bindaddr = 127.0.0.1", f"port = {port}", "timestampevents = yes"]
    for role, rights in RIGHTS.items():
        lines += [f"[{role}]", f"secret = {SECRETS[role]}"]
        lines += [f"read = {','.join(rights.read)}", f"write = {','.join(rights.write)}"]
        lines += [f"eventfilter(action(include),name({name})) =" for name in rights.include]
    lines += ["[everything]", "secret = everything", "read = all", "write ="]
    return "\n".join(lines) + "\n"


def write_node(directory: Path, programs: Programs, ami_port: int, sip_port: int) -> None:
    """Everything Asterisk reads, below `directory`."""
    for name in ("etc", "lib", "db", "spool", "run", "log"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    places = {
        "astetcdir": directory / "etc",
        "astmoddir": programs.modules,
        "astvarlibdir": directory / "lib",
        "astdbdir": directory / "db",
        "astkeydir": directory / "lib",
        "astdatadir": programs.data,
        "astagidir": directory / "lib",
        "astspooldir": directory / "spool",
        "astrundir": directory / "run",
        "astlogdir": directory / "log",
    }
    files = {
        "asterisk.conf": "[directories]\n"
        + "".join(f"{name} => {path}\n" for name, path in places.items())
        + "[options]\nsystemname = node1\n",
        "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES),
        "manager.conf": manager_conf(ami_port),
        "extensions.conf": EXTENSIONS,
        "queues.conf": QUEUES,
        "pjsip.conf": PJSIP.format(sip_port=sip_port),
        "logger.conf": "[logfiles]\nfull => notice,warning,error\n",
    }
    for name, text in files.items():
        (directory / "etc" / name).write_text(text, encoding="utf-8")
