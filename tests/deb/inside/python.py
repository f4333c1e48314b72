"""SECONDS MODULE...: runs modules of Python's own regression tests, each for at most so long, and prints a line per test:
ok, FAIL or skip, and its name.

Each module is a process of its own: what one leaves behind, or a hang, spoils no other.
"""
import os, signal, subprocess, sys, tempfile
import xml.etree.ElementTree as xml

seconds = int(sys.argv[1])
# VSOCK: it talks to the host of a virtual machine, if this is one. UDPLITE: not served (EPROTONOSUPPORT), and such a failure
# in setUp makes the report unreadable.
IGNORE = ['*VSOCK*', '*UDPLITE*']


def verdict(case):
    kinds = {child.tag for child in case}
    return 'FAIL' if kinds & {'failure', 'error'} else 'skip' if 'skipped' in kinds or case.get('result') == 'skipped' else 'ok'


for module in sys.argv[2:]:
    with tempfile.TemporaryDirectory() as d:
        report = os.path.join(d, 'xml')
        p = subprocess.Popen([sys.executable, '-m', 'test', f'--timeout={seconds}', '-u', 'all,-network,-urlfetch,-largefile,-gui,-audio,-cpu',
                              *[f'--ignore={pattern}' for pattern in IGNORE], '--junit-xml', report, module],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
        try:
            out = p.communicate(timeout=seconds + 60)[0]  # the module's own limit did not end it
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)  # with its children, which hold the pipe also when it has ended
            out = p.communicate()[0]
        try:
            cases = list(xml.parse(report).getroot().iter('testcase'))
        except (OSError, xml.ParseError):
            cases = []
        for case in cases:
            name = case.get('name', '?').split('\n')[0]
            print(verdict(case), name[name.find('(') + 1:].rstrip(')') if '(' in name else name)
        print('ok' if cases else 'FAIL', f'test.{module}', flush=True)
        if not cases:
            print(f'# {module}: no report; its output ends with', *out.decode('utf-8', 'replace').splitlines()[-15:], sep='\n# ')
