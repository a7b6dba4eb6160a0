"""What all commands share: tables that show every character of a name."""

from workbench.cli.terminal import table


def test_brackets_in_a_table_are_no_markup(capsys):
    table(["class [code]", "pixels"], [["crop [dry]", 3], ["[red]roof[/red]", 4], ["[/]", 5]])
    out = capsys.readouterr().out
    for words in ("class [code]", "crop [dry]", "[red]roof[/red]", "[/]"):
        assert words in out
