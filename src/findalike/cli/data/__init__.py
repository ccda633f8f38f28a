"""`findalike data`: get and make data sets."""

import typer

from findalike.cli.data import amazon_reviews, public, simulate

app = typer.Typer(help="Get and make data sets.", no_args_is_help=True)
app.command("simulate")(simulate.simulate)
app.command("products10k")(public.products10k)
app.command("sop")(public.sop)
app.command("inshop")(public.inshop)
app.command("amazon-reviews")(amazon_reviews.amazon_reviews)


@app.callback()
def data() -> None:
    """Get and make data sets."""
