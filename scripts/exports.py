#!/usr/bin/env python3
"""Which functions and variables are global without need: no file but their own names them?

usage: exports.py BUILD     in the root of the tree, after make; exit 1 if there are any

Reads the symbols of the objects of the Sentry (both platforms together) and of the host. A name that stands in assembly, a
linker script or anything in tests/ counts as used: unit tests link single files. One that no header spells out is made by a
macro, for a table.
"""
import collections, glob, os, re, subprocess, sys

PARTS = ('kvm', 'systrap', 'host')
OURS = ('guest/', 'host/', 'oci/', 'loader/')


def is_use(path):
    return path.endswith(('.S', '.lds')) or path.startswith('tests/') and path.endswith(('.c', '.h'))


def names(wanted):
    found = set()
    for top in ('abi/', 'tests/', *OURS):
        for path in glob.glob(f'{top}**/*', recursive=True):
            if wanted(path) and os.path.isfile(path):
                found.update(re.findall(r'\w+', open(path, errors='replace').read()))
    return found


def main():
    build = sys.argv[1].rstrip('/')
    objects = {}
    for part in PARTS:
        top = f'{build}/{part}/'
        for path in glob.glob(f'{top}**/*.o', recursive=True):
            objects[path] = path[len(top):-2]
    if not objects:
        print(f'exports: no object file in {build}: run make')
        return 1
    nm = subprocess.run(['nm', '-A', '-g', *objects], capture_output=True, text=True, check=True).stdout
    defined, wanted = collections.defaultdict(set), collections.defaultdict(set)
    for path, kind, name in re.findall(r'^(.*?):[0-9a-f ]*([A-Za-z]) (\S+)$', nm, re.M):
        (wanted if kind == 'U' else defined)[name].add(objects[path])
    used, headers = names(is_use), names(lambda p: p.endswith('.h'))
    found = [(min(sources), name) for name, sources in defined.items()
             if not wanted[name] - sources and name in headers and name not in used and
             all(s.startswith(OURS) and os.path.exists(s) for s in sources)]
    for source, name in sorted(found):
        print(f'{source}: {name} is global, and no other file names it')
    return bool(found)


sys.exit(main())
