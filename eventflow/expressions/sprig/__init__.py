"""The functions of github.com/Masterminds/sprig v3.3 that Argo offers in expressions as `sprig.…`."""
