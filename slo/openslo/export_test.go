package openslo

// Content is what the document of an object says, for comparing.
func (o Object) Content() any { return o.content }
