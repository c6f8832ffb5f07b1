"""What customers will do: declared tasks are fitted, score everybody, are explained and judged by groups."""
