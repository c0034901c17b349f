#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scikit-learn's logistic regression, without hyperparameter gradients, for each of a list of log regularisers:

  bilevelsparse_peer.py TRAIN.svm VALID.svm FEATURES LOG_REGULARISERS

The regulariser is that of a mean of losses. Every fit begins where the last one ended. Prints one JSON object: for each
fit seconds so far, the files not counted, and the mean loss of the validation rows.
"""
import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression


def main():
    n = int(sys.argv[3])
    (X, y), (other, labels) = (load_svmlight_file(path, n_features=n) for path in sys.argv[1:3])
    warnings.simplefilter("ignore")  # a fit that ends early is part of what is compared
    model = LogisticRegression(fit_intercept=False, warm_start=True, max_iter=1000)
    seconds, trace = 0, []
    for theta in map(float, sys.argv[4].split(",")):
        start = time.perf_counter()
        model.C = np.exp(-theta) / len(y)
        model.fit(X, y)
        loss = float(np.logaddexp(0, -labels * (other @ model.coef_[0])).mean())
        seconds += time.perf_counter() - start
        trace.append((seconds, loss))
    print(json.dumps({"version": sklearn.__version__, "trace": trace}))


main()
