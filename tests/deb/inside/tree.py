"""Prints what a folder holds, a line per name: type, mode, owner, links, size, time, digest or target. tree.py DIR"""
import hashlib, os, stat, sys

os.chdir(sys.argv[1])
for top, dirs, files in os.walk(b'.'):
    dirs.sort()
    for n in sorted(dirs + files):
        p = os.path.join(top, n)
        s = os.lstat(p)
        what = ''
        if stat.S_ISLNK(s.st_mode):
            what = os.readlink(p)
        elif stat.S_ISREG(s.st_mode):
            with open(p, 'rb') as f:
                what = hashlib.sha256(f.read()).hexdigest()
        # Only times that the load set: the rest is when it happened.
        when = s.st_mtime_ns if s.st_mtime < 1.5e9 else '-'
        print(p, oct(s.st_mode), s.st_uid, s.st_gid, 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink,
              0 if stat.S_ISDIR(s.st_mode) else s.st_size, when, what)
