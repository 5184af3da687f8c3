"""What the platform's documents say, one test for each rule: on the emulator always, on the service if asked.

`python -m tests.conformance` runs it and says in words what was met. With `CFREALTIME_CONFORMANCE=live` and
the credentials of an app both are asked and compared: README.md says how, `environment` knows all the names.

The first words of a test's docstring tell where its rule is from: [documented], [seen] in the field, or
[unproven]. What is unproven is recorded, not asserted: one of the behaviours that are known.
"""
